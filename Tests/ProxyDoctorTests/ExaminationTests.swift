import ProbeProtocol
import Testing

@testable import ProxyDoctor

/// The whole decision table, on a way that the tests make up: no sockets, no clocks.
@Suite struct ExaminationTests {
    private func examine(
        _ way: SimulatedWay,
        origin: Bool = true,
        idle: Int? = nil
    ) -> (report: Report, steps: [String]) {
        var way = way
        var options = Examination.Options(prefix: "t")
        options.hasOrigin = origin
        options.idleSeconds = idle
        var examination = Examination(options: options)
        var steps: [String] = []
        while let step = examination.next() {
            steps.append(step.title)
            examination.record(way.perform(step))
        }
        return (examination.report(url: "http://proxy", origin: origin ? "http://origin" : nil), steps)
    }

    private func worse(_ report: Report) -> [FindingCode: Finding] {
        Dictionary(
            report.findings.filter { $0.severity != .good }.map { ($0.code, $0) },
            uniquingKeysWith: { one, _ in one }
        )
    }

    private func finding(_ code: FindingCode, in report: Report) throws -> Finding {
        #expect(Set(worse(report).keys) == [code])
        return try #require(worse(report)[code])
    }

    @Test(arguments: [true, false]) func aWayThatDoesNothingIsLive(origin: Bool) {
        let (report, steps) = examine(SimulatedWay(), origin: origin)
        #expect(report.verdict == .live)
        #expect(report.findings.map(\.code) == [.live])
        #expect(steps.count == 4)
    }

    @Test(arguments: [true, false]) func whatHoldsEverythingIsAFullBuffer(origin: Bool) throws {
        let (report, _) = examine(SimulatedWay { $0.rule = { _, _ in .all } }, origin: origin)
        #expect(report.verdict == .fault(.fullBuffer))
        let found = try finding(.fullBuffer, in: report)
        #expect(found.figures["fixed_by"] == .list([]))
        #expect(!found.remedy.isEmpty)
    }

    @Test(arguments: [2048, 4096, 8192, 16384, 32768, 65536]) func aBufferIsMeasured(size: Int) throws {
        let (report, steps) = examine(SimulatedWay { $0.rule = { _, _ in .size(size) } })
        #expect(report.verdict == .fault(.buffer))
        guard case .number(let bytes)? = try finding(.buffer, in: report).figures["bytes"] else {
            Issue.record("no size")
            return
        }
        #expect(abs(bytes - Double(size)) < max(1100, 0.1 * Double(size)))
        #expect(steps.count == 6)
    }

    @Test(arguments: [150.0, 200, 400]) func aTimerIsMeasured(period: Double) throws {
        let (report, _) = examine(SimulatedWay { $0.rule = { _, _ in .timer(period) } })
        #expect(report.verdict == .fault(.buffer))
        let found = try finding(.buffer, in: report)
        guard case .number(let measured)? = found.figures["period_ms"] else {
            Issue.record("no period")
            return
        }
        #expect(abs(measured - period) <= 60)
        #expect(found.remedy == "HAProxy: option http-no-delay")
    }

    @Test func aBufferThatHeedsAHintIsAWarningAndNamesTheHint() throws {
        let way = SimulatedWay { $0.rule = { plan, _ in plan.hints.contains(.noBuffering) ? .live : .size(4096) } }
        let (report, _) = examine(way)
        #expect(report.verdict == .live)
        let found = try finding(.buffer, in: report)
        #expect(found.severity == .warning)
        #expect(found.figures["fixed_by"] == .list(["X-Accel-Buffering: no"]))
        #expect(found.layer == "nginx, or what is built on it")
        #expect(found.remedy.contains("proxy_buffering off"))
    }

    @Test func oneEventBehindIsNoBuffer() throws {
        let (report, _) = examine(SimulatedWay { $0.rule = { _, _ in .behind } })
        #expect(report.verdict == .fault(.oneEventBehind))
        _ = try finding(.oneEventBehind, in: report)
    }

    @Test func compressionThatHoldsIsToldFromABuffer() throws {
        let way = SimulatedWay {
            $0.rule = { _, accepts in accepts == "gzip" ? .size(35_000) : .live }
            $0.coding = { _, accepts in accepts == "gzip" ? "gzip" : nil }
        }
        let (report, _) = examine(way)
        #expect(report.verdict == .fault(.compressionBuffer))
        #expect(try finding(.compressionBuffer, in: report).figures["encoding"] == .text("gzip"))
    }

    @Test func compressionThatHeedsNoTransformIsAWarning() throws {
        let way = SimulatedWay {
            $0.rule = { plan, accepts in accepts == "gzip" && !plan.hints.contains(.noTransform) ? .all : .live }
            $0.coding = { plan, accepts in accepts == "gzip" && !plan.hints.contains(.noTransform) ? "gzip" : nil }
        }
        let (report, _) = examine(way)
        #expect(report.verdict == .live)
        let found = try finding(.compressionBuffer, in: report)
        #expect(found.figures["fixed_by"] == .list(["Cache-Control: no-transform"]))
    }

    @Test func compressionOfAnUnknownKindIsJudgedByItsBytes() throws {
        let live = SimulatedWay {
            $0.coding = { _, accepts in accepts == "br, zstd" ? "br" : nil }
            $0.isReadable = false
        }
        #expect(examine(live).report.findings.map(\.code) == [.live])
        var held = live
        held.rule = { _, accepts in accepts == "br, zstd" ? .all : .live }
        let (report, _) = examine(held)
        #expect(report.verdict == .fault(.compressionBuffer))
        #expect(try finding(.compressionBuffer, in: report).figures["encoding"] == .text("br"))
    }

    @Test(arguments: ["br", "zstd"]) func compressionOfAnUnknownKindThatIsOneEventBehindIsNamed(coding: String) throws {
        let way = SimulatedWay {
            $0.rule = { _, accepts in accepts == "br, zstd" ? .behind : .live }
            $0.coding = { _, accepts in accepts == "br, zstd" ? coding : nil }
            $0.isReadable = false
        }
        let (report, _) = examine(way)
        #expect(report.verdict == .fault(.oneEventBehind))
        let found = try finding(.oneEventBehind, in: report)
        #expect(found.figures["encoding"] == .text(coding))
        #expect(found.figures["share"] == .number(1))
        #expect(found.layer.contains("h2o"))
        #expect(found.remedy == "Take text/event-stream out of what is compressed (\(coding)).")
        var named = way
        named.adds = [ResponseHead.Field("server", "nginx/1.28.0")]
        #expect(
            try finding(.oneEventBehind, in: examine(named).report).remedy.hasSuffix(
                "\(coding == "br" ? "brotli" : coding) off;"
            )
        )
    }

    @Test func linesThatAreHeldWhereEventsAreNotAreTold() throws {
        let (report, _) = examine(SimulatedWay { $0.rule = { plan, _ in plan.form == .sse ? .live : .size(4096) } })
        #expect(report.verdict == .live)
        let found = try finding(.buffer, in: report)
        #expect(found.figures["form"] == .text("ndjson"))
        #expect(found.severity == .warning)
        #expect(found.evidence.contains("As NDJSON"))
    }

    @Test func aFilterOfTextIsToldWhatItCannotDoForUploads() throws {
        let way = SimulatedWay {
            $0.rule = { plan, _ in plan.form == .json ? .live : .all }
            $0.uploadSpread = 0
        }
        let found = try #require(worse(examine(way).report)[.uploadBuffered])
        #expect(found.layer.contains("Privoxy"))
        #expect(found.remedy.hasPrefix("Privoxy: no setting does it"))
    }

    @Test func headsThatWaitForABodyAreSeenApartFromBuffers() throws {
        let plain = SimulatedWay { $0.holdsHead = { !$0.hints.contains(.comment) } }
        let (report, _) = examine(plain)
        #expect(report.verdict == .live)
        #expect(try finding(.headersHeld, in: report).severity == .warning)
        let all = SimulatedWay { $0.holdsHead = { _ in true } }
        #expect(examine(all).report.verdict == .fault(.headersHeld))
    }

    // MARK: The control

    @Test(arguments: [true, false]) func aControlThatIsLateItselfDecidesNothing(origin: Bool) {
        let way = SimulatedWay {
            $0.rule = { _, _ in .timer(300) }
            $0.controlDelay = { $0.isMultiple(of: 2) ? 400 : 0 }
        }
        let (report, steps) = examine(way, origin: origin)
        #expect(report.verdict == .inconclusive)
        #expect(report.summary.contains("late"))
        #expect(report.findings.allSatisfy { ![.live, .buffer, .fullBuffer].contains($0.code) })
        #expect(steps.count(where: { $0.hasPrefix("timing") }) == 3)
    }

    @Test(arguments: [true, false]) func aControlThatIsLateOnceIsAskedAgain(origin: Bool) {
        let way = SimulatedWay {
            $0.controlDelay = { $0 == 0 ? 0 : Double.random(in: 300...600) }
            $0.laterControlDelay = { _ in 0 }
        }
        let (report, steps) = examine(way, origin: origin)
        #expect(report.verdict == .live)
        #expect(steps.count(where: { $0.hasPrefix("timing") }) == 2)
    }

    @Test func whatLooksLiveBesideALateControlIsNotLiveForThat() throws {
        let way = SimulatedWay {
            $0.rule = { _, _ in .timer(200) }
            $0.controlDelay = { _ in 300 }
            $0.laterControlDelay = { _ in 0 }
        }
        _ = try finding(.buffer, in: examine(way).report)
    }

    @Test(arguments: [true, false]) func whatIsLateOnBothWaysIsNobodysFault(origin: Bool) {
        let way = SimulatedWay {
            $0.rule = { _, _ in .stutter(150) }
            $0.controlDelay = { $0 == 5 || $0 == 9 ? 110 : 0 }
        }
        #expect(examine(way, origin: origin).report.verdict == .live)
    }

    @Test(arguments: [true, false]) func oneLateEventOfTheControlExcusesNoHabit(origin: Bool) throws {
        let way = SimulatedWay {
            $0.rule = { _, _ in .timer(200) }
            $0.controlDelay = { $0 == 5 ? 300 : 0 }
        }
        let found = try finding(.buffer, in: examine(way, origin: origin).report)
        #expect(found.figures["fixed_by"] == .list([]))
    }

    @Test(arguments: [true, false]) func aControlThatIsLateWhileRemediesAreTriedNamesNone(origin: Bool) throws {
        let way = SimulatedWay {
            $0.rule = { _, _ in .timer(200) }
            $0.remedyControlDelay = { _, event in event.isMultiple(of: 2) ? 0 : 500 }
        }
        let (report, steps) = examine(way, origin: origin)
        #expect(report.verdict == .fault(.buffer))
        let found = try finding(.buffer, in: report)
        #expect(found.figures["fixed_by"] == nil)
        #expect(found.evidence.contains("inconclusive"))
        #expect(found.layer == "HAProxy without option http-no-delay")
        #expect(steps.count(where: { $0.hasPrefix("trying") }) == 3)
    }

    @Test(arguments: [true, false]) func remediesAreTriedAgainWhenTheirControlWasLate(origin: Bool) throws {
        let timer = SimulatedWay {
            $0.rule = { _, _ in .timer(200) }
            $0.remedyControlDelay = { attempt, event in attempt == 1 && event > 0 ? 500 : 0 }
        }
        #expect(try finding(.buffer, in: examine(timer, origin: origin).report).figures["fixed_by"] == .list([]))
        let heeds = SimulatedWay {
            $0.rule = { plan, _ in plan.hints.contains(.noBuffering) ? .live : .size(4096) }
            $0.remedyDelay = { attempt, event in attempt == 1 && event % 4 == 3 ? 400 : 0 }
        }
        let (report, steps) = examine(heeds, origin: origin)
        #expect(try finding(.buffer, in: report).figures["fixed_by"] == .list(["X-Accel-Buffering: no"]))
        #expect(steps.count(where: { $0.hasPrefix("trying") }) == 2)
    }

    @Test func aFewLateEventsAreTriedAgainBeforeTheyAreAFault() {
        let (report, steps) = examine(SimulatedWay { $0.rule = { _, _ in .stutter(400) } })
        #expect(steps.count(where: { $0.hasPrefix("timing") }) == 3)
        #expect(report.verdict == .fault(.buffer))
    }

    // MARK: Everything else

    @Test func aReplayIsNotTakenForBuffering() throws {
        let way = SimulatedWay {
            $0.replays = "old"
            $0.rule = { _, _ in .all }
        }
        let (report, steps) = examine(way)
        #expect(report.verdict == .fault(.replayedFromCache))
        _ = try finding(.replayedFromCache, in: report)
        #expect(!steps.contains { $0.hasPrefix("timing") })
    }

    @Test func sharingIsAFaultOnlyWhereItWasForbidden() throws {
        let some = examine(SimulatedWay { $0.sharedNonce = { !$0 } }).report
        #expect(some.verdict == .live)
        #expect(try finding(.sharedResponse, in: some).figures["no_cache"] == .flag(false))
        let all = examine(SimulatedWay { $0.sharedNonce = { _ in true } }).report
        #expect(all.verdict == .fault(.sharedResponse))
        #expect(try finding(.sharedResponse, in: all).figures["answers"] == .whole(1))
    }

    @Test(arguments: [1, 3, 7]) func streamsAtOnceAreCountedByTheOrigin(most: Int) throws {
        let (report, _) = examine(SimulatedWay { $0.mostStreams = most })
        #expect(try finding(.concurrency, in: report).figures["streams"] == .whole(most))
    }

    /// Whose limit it is.
    private func limit(origin: Bool = true, _ refuses: @escaping (Probe.Route, Int) -> Refusal?) throws -> Finding {
        try finding(.concurrency, in: examine(SimulatedWay { $0.refuses = refuses }, origin: origin).report)
    }

    @Test func aLimitOfTheServerIsNotTakenForOneOfAProxy() throws {
        let byItsWords = try limit(origin: false) { _, index in
            index < 3 ? nil : Refusal(status: 429, code: "too-many-connections")
        }
        #expect(byItsWords.figures["limit"] == .text("server"))
        #expect(byItsWords.figures["streams"] == .whole(3))
        #expect(byItsWords.layer == "the server itself")
        #expect(byItsWords.remedy.contains("--connections-per-address 0"))
        let byTheControl = try limit { _, index in index < 3 ? nil : Refusal(status: 503) }
        #expect(byTheControl.figures["limit"] == .text("server"))
        let byNobody = try limit(origin: false) { _, index in index < 3 ? nil : Refusal(status: 503) }
        #expect(byNobody.figures["limit"] == .text("unknown"))
        #expect(byNobody.evidence.contains("--origin"))
        let byTheProxy = try limit { route, index in route == .direct || index < 3 ? nil : Refusal(status: 429) }
        #expect(byTheProxy.figures["limit"] == .text("proxy"))
    }

    @Test func tooManyProbesSayNothingOfStreams() {
        let way = SimulatedWay { $0.refuses = { _, _ in Refusal(status: 429, code: "too-many-probes") } }
        let (report, _) = examine(way)
        #expect(report.verdict == .live)
        #expect(report.findings.map(\.code) == [.live])
        #expect(report.notes.contains { $0.contains("refused 16 of the doctor's streams (429 too-many-probes)") })
    }

    @Test func theOriginIsAskedForAsManyStreamsOnlyWhereSomeWereRefused() {
        let steps = examine(SimulatedWay { $0.refuses = { _, index in index == 7 ? Refusal(status: 503) : nil } }).steps
        #expect(steps.count == 5)
        #expect(steps.contains { $0.contains("straight to the origin") })
    }

    @Test func strippedFieldsAreNamed() throws {
        let request = examine(SimulatedWay { $0.strips = ["last-event-id"] }).report
        #expect(request.verdict == .fault(.stripped))
        #expect(try finding(.stripped, in: request).figures["fields"] == .list(["Last-Event-ID"]))
        let answer = examine(SimulatedWay { $0.removes = ["cache-control"] }).report
        #expect(answer.verdict == .live)
        #expect(try finding(.stripped, in: answer).figures["side"] == .text("answer"))
        let type = SimulatedWay {
            $0.removes = ["content-type"]
            $0.adds = [ResponseHead.Field("content-type", "text/plain")]
        }
        #expect(examine(type).report.verdict == .fault(.stripped))
    }

    @Test func theLastHopsVersionIsTold() throws {
        _ = try finding(.http10Upstream, in: examine(SimulatedWay { $0.http = "1.0" }).report)
    }

    @Test func endsThatLieAreTold() throws {
        let clean = examine(SimulatedWay { $0.death = { $0 == .close ? .complete : .torn("reset") } }).report
        #expect(try finding(.deathLooksClean, in: clean).figures == ["fin": .text("clean"), "rst": .text("torn")])
        let hangs = examine(SimulatedWay { $0.death = { _ in .open } }).report
        #expect(try finding(.deathLooksClean, in: hangs).figures == ["fin": .text("hangs"), "rst": .text("hangs")])
        #expect(clean.verdict == .live)
    }

    @Test func departuresThatAreNotPassedOnAreTold() throws {
        let never = examine(SimulatedWay { $0.learns = { _ in nil } }).report
        #expect(try finding(.disconnectOnWrite, in: never).figures["writes"] == .text("never"))
        let onWrite = examine(SimulatedWay { $0.learns = { $0 ? nil : 900 } }).report
        #expect(try finding(.disconnectOnWrite, in: onWrite).figures["writes"] == .whole(2))
    }

    @Test func silenceThatIsCutIsToldFromACap() throws {
        let idle = examine(SimulatedWay { $0.cutsSilenceAfter = 50_000 }, idle: 65).report
        #expect(idle.verdict == .live)
        let found = try finding(.idleCut, in: idle)
        #expect(found.figures["seconds"] == .number(50))
        #expect(found.layer.contains("HAProxy"))
        #expect(examine(SimulatedWay { $0.cutsSilenceAfter = 15_000 }, idle: 65).report.verdict == .fault(.idleCut))
        let cap = SimulatedWay {
            $0.cutsAfter = 15_000
            $0.cutEnd = .complete
        }
        let capped = try finding(.durationCap, in: examine(cap, idle: 65).report)
        #expect(capped.figures["looks_clean"] == .flag(true))
        #expect(examine(SimulatedWay { $0.cutsSilenceAfter = 50_000 }).report.findings.map(\.code) == [.live])
        #expect(examine(SimulatedWay(), idle: 65).report.findings.map(\.code) == [.live])
    }

    @Test func uploadsThatAreHeldOrRefusedAreTold() throws {
        let held = examine(SimulatedWay { $0.uploadSpread = 0 }).report
        #expect(try finding(.uploadBuffered, in: held).figures["parts"] == .whole(1))
        let once = SimulatedWay {
            $0.uploadSpread = 0.2
            $0.laterUploadSpread = 1
        }
        #expect(examine(once).report.findings.map(\.code) == [.live])
        let refused = examine(SimulatedWay { $0.uploadStatus = 411 }).report
        #expect(try finding(.uploadBuffered, in: refused).figures["status"] == .whole(411))
    }

    @Test func whoNamesItselfIsNamedWithItsLine() throws {
        let way = SimulatedWay {
            $0.rule = { _, _ in .all }
            $0.adds = [ResponseHead.Field("server", "lighttpd/1.4.69")]
        }
        let found = try finding(.fullBuffer, in: examine(way).report)
        #expect(found.layer.hasPrefix("lighttpd"))
        #expect(found.remedy == "lighttpd: server.stream-response-body = 1")
    }

    @Test func whatDoesNotAnswerIsNotExamined() {
        #expect(examine(SimulatedWay { $0.reaches = false }).steps.count == 1)
        #expect(examine(SimulatedWay { $0.reachesOrigin = false }).steps.count == 1)
    }
}
