/// What an event stream shows from outside: pure functions of what was seen.
@available(freshet 0.1, *)
package struct OutsideDiagnosis: Sendable {
    let evidence: OutsideEvidence
    let layers: [Intermediary]

    package init(_ evidence: OutsideEvidence) {
        self.evidence = evidence
        layers = Intermediary.named(in: evidence.plain.head, request: [:])
    }

    package func report(url: String, origin: String?) -> Report {
        let findings =
            [coded(), cached(), cut(), stripped()].compactMap(\.self) + delivery() + [headersHeld()].compactMap(\.self)
        let sorted = findings.enumerated().sorted { one, other in
            one.element.severity == other.element.severity
                ? one.offset < other.offset : one.element.severity > other.element.severity
        }.map(\.element)
        let verdict: Report.Verdict
        if let fault = sorted.first(where: { $0.severity == .fault }) {
            verdict = .fault(fault.code)
        } else {
            verdict = sorted.contains { $0.code == .live } ? .live : .inconclusive
        }
        var report = Report(
            url: url,
            origin: origin,
            usesProbe: false,
            verdict: verdict,
            summary: summary(verdict, sorted)
        )
        report.findings = sorted
        report.http = evidence.plain.head?.version
        report.layers = layers.map(\.title)
        report.notes = notes()
        report.timelines = timelines()
        return report
    }

    private func summary(_ verdict: Report.Verdict, _ findings: [Finding]) -> String {
        switch verdict {
        case .live: "Seen from outside, events arrive as they are sent."
        case .inconclusive where findings.contains { $0.code == .buffer || $0.code == .fullBuffer }:
            "Events come in batches. Whether the server writes so, a control beside the proxy tells: --origin URL."
        case .inconclusive:
            evidence.plain.events.count < 3
                ? "There were \(evidence.plain.events.count) events in \(Diagnosis.seconds(evidence.plain.endAt - evidence.plain.sentAt)): "
                    + "too few to judge. Read a stream that is being written, or longer with --watch."
                : "Nothing can be said from outside: the control was late, or had other events."
        case .fault, .failed: "Seen from outside, something does not let the stream through as it is."
        }
    }

    private func layer(_ guess: String) -> String {
        layers.isEmpty ? guess : layers.map(\.title).joined(separator: ", ") + " (named in the head)"
    }

    // MARK: When events came

    private func delivery() -> [Finding] {
        let plain = evidence.plain
        if let length = plain.head?["content-length"] {
            return [
                held(
                    .fullBuffer,
                    "The response has a Content-Length (\(length)): it was whole before its head was sent."
                )
            ]
        }
        if let direct = evidence.direct {
            if direct.events.count >= 3, plain.events.isEmpty {
                return [
                    held(.fullBuffer, "\(direct.events.count) events came straight from the origin, and none this way.")
                ]
            }
            guard let comparison = OutsideEvidence.compare(plain, with: direct) else { return pattern() }
            if !comparison.isLive { return [late(comparison, plain, "straight to the origin")] }
            return compression() ?? [live(comparison)]
        }
        let found = pattern()
        return found.contains { $0.severity == .fault } ? found : compression() ?? found
    }

    /// Nil where the compressed reading shows nothing worse than the plain one.
    private func compression() -> [Finding]? {
        let compressed = evidence.compressed
        if let coding = compressed.head?.coding, compressed.isReadable, compressed.events.isEmpty,
            evidence.plain.events.count >= 3
        {
            var found = held(
                .compressionBuffer,
                "\(evidence.plain.events.count) events came without compression, and none compressed with \(coding)."
            )
            found.figures["encoding"] = .text(coding)
            return [found]
        }
        guard let comparison = OutsideEvidence.compare(compressed, with: evidence.plain), !comparison.isLive else {
            return nil
        }
        return [late(comparison, evidence.compressed, "without compression")]
    }

    private func late(_ comparison: Comparison, _ reading: OutsideReading, _ beside: String) -> Finding {
        let coding = reading.head?.coding
        let isAll = Set(reading.events.map(\.at)).count == 1
        let code: FindingCode =
            comparison.behind > Delivery.Limits.behind
            ? .oneEventBehind : coding != nil ? .compressionBuffer : isAll ? .fullBuffer : .buffer
        var found = held(
            code,
            (code == .oneEventBehind ? "Each event arrived when the next one was sent: " : "Events arrived late: ")
                + "half of them \(Diagnosis.milliseconds(comparison.median)) and the latest "
                + "\(Diagnosis.milliseconds(comparison.most)) after the same events \(beside)"
                + (coding.map { ", compressed with \($0)." } ?? ".")
        )
        found.figures["median_ms"] = .milliseconds(comparison.median)
        found.figures["max_ms"] = .milliseconds(comparison.most)
        if let coding { found.figures["encoding"] = .text(coding) }
        return found
    }

    private func live(_ comparison: Comparison) -> Finding {
        Finding(
            .live,
            .good,
            layer: "none",
            evidence: "Events arrived when they came straight from the origin too: half of them within "
                + "\(Diagnosis.milliseconds(comparison.median)), the latest after \(Diagnosis.milliseconds(comparison.most)).",
            remedy: "",
            figures: ["median_ms": .milliseconds(comparison.median), "max_ms": .milliseconds(comparison.most)]
        )
    }

    private func held(_ code: FindingCode, _ evidence: String) -> Finding {
        Finding(
            code,
            .fault,
            layer: layer("a proxy that buffers or compresses; freshet doctor --listen behind it tells which"),
            evidence: evidence,
            remedy: Remedy.of(
                code,
                at: layers,
                otherwise: "Turn buffering and compression off for the path; X-Accel-Buffering: no and Cache-Control: "
                    + "no-transform from the server do it for many."
            )
        )
    }

    /// What the moments alone show, where there is nothing to hold them against. A producer may write in batches too:
    /// these are warnings, unless nothing else is possible.
    private func pattern() -> [Finding] {
        let reading = evidence.plain
        // What was there before is sent at once; it says nothing.
        let begun = (reading.headAt ?? reading.sentAt) + 300
        let events = reading.events.filter { $0.at > begun }
        guard events.count >= 3 else { return wholeAtOnce(reading) }
        let batches = Self.batches(reading.flow.filter { $0.at > begun })
        let perBatch = Double(events.count) / Double(max(1, batches.count))
        let sizes = batches.dropLast().map { Double($0.bytes) }
        let periods = zip(batches, batches.dropFirst()).map { $1.at - $0.at }
        if perBatch >= 2, batches.count >= 4 {
            if let size = Self.steady(sizes, within: 0.05) {
                var found = held(
                    .buffer,
                    "Events arrive \(Diagnosis.bytes(Int(size))) at a time, \(Int(perBatch.rounded())) together, in batches of the "
                        + "same size: that is a buffer, unless the server writes so."
                )
                found.severity = .warning
                found.figures = ["bytes": .whole(Int(size)), "batches": .whole(batches.count)]
                return [found]
            }
            if let period = Self.steady(periods, within: 0.1) {
                var found = held(
                    .buffer,
                    "Events arrive every \(Diagnosis.milliseconds(period)), \(Int(perBatch.rounded())) together: that is a timer, "
                        + "unless the server writes so."
                )
                found.severity = .warning
                found.figures = ["period_ms": .milliseconds(period), "batches": .whole(batches.count)]
                return [found]
            }
        }
        return [
            Finding(
                .live,
                .good,
                layer: "none",
                evidence: "\(events.count) events arrived in \(batches.count) pieces over "
                    + "\(Diagnosis.seconds((events.last?.at ?? begun) - (events.first?.at ?? begun))). Without a control it "
                    + "is not known when they were sent: --origin URL adds one.",
                remedy: "",
                figures: ["events": .whole(events.count), "pieces": .whole(batches.count)]
            )
        ]
    }

    /// A stream that was over a while after the request, and of which nothing came before.
    private func wholeAtOnce(_ reading: OutsideReading) -> [Finding] {
        guard reading.end.looksClean, reading.events.count >= 3, let first = reading.flow.first?.at,
            first - reading.sentAt > 2000, reading.endAt - first < 100
        else {
            return []
        }
        var found = held(
            .fullBuffer,
            "Nothing came for \(Diagnosis.seconds(first - reading.sentAt)), and then all \(reading.events.count) events and the "
                + "end together."
        )
        found.severity = .warning
        return [found]
    }

    private static func batches(_ flow: [StreamObservation.Flow]) -> [StreamObservation.Flow] {
        var batches: [StreamObservation.Flow] = []
        for piece in flow {
            if let last = batches.last, piece.at - last.at <= 20 {
                batches[batches.count - 1].bytes += piece.bytes
            } else {
                batches.append(piece)
            }
        }
        return batches
    }

    /// The middle of figures that are nearly the same.
    private static func steady(_ figures: [Double], within share: Double) -> Double? {
        guard figures.count >= 3 else { return nil }
        let sorted = figures.sorted()
        let middle = sorted[sorted.count / 2]
        let near = figures.count { abs($0 - middle) <= share * middle }
        return Double(near) >= 0.8 * Double(figures.count) ? middle : nil
    }

    // MARK: Beside the events

    private func coded() -> Finding? {
        guard let coding = evidence.plain.head?.coding else { return nil }
        return Finding(
            .unaskedCoding,
            .fault,
            layer: layer("a proxy that compresses, or the server itself"),
            evidence: "The request asked for no compression (Accept-Encoding: identity), and the response is coded "
                + "with \(coding): a reader that asked so takes its bytes for text.",
            remedy: "Turn compression off for the path; Cache-Control: no-transform from the server does it for many.",
            figures: ["encoding": .text(coding)]
        )
    }

    private func headersHeld() -> Finding? {
        let reading = evidence.plain
        guard let headAt = reading.headAt, headAt - reading.sentAt > 800, let first = reading.flow.first?.at,
            first - headAt < 20, reading.endAt - headAt > 300
        else {
            return nil
        }
        return Finding(
            .headersHeld,
            .warning,
            layer: layer("a proxy that waits for a first byte, or the server itself"),
            evidence:
                "The head came with the first byte of the body, \(Diagnosis.seconds(headAt - reading.sentAt)) after the "
                + "request: a reader does not see that the stream is open before.",
            remedy: "Let the server write \(reading.isLines ? "an empty line" : "a comment") right after the head."
        )
    }

    private func cached() -> Finding? {
        let head = evidence.plain.head
        let age = head?["age"].flatMap { Int($0) } ?? 0
        let isHit = head?["x-cache"]?.lowercased().contains("hit") ?? false
        guard age > 0 || isHit else { return nil }
        return Finding(
            .replayedFromCache,
            .fault,
            layer: layer("a cache"),
            evidence: "The response is from a cache"
                + (age > 0 ? ": it is \(age) s old (Age)." : " (X-Cache: \(head?["x-cache"] ?? "")).")
                + " Its events are old ones.",
            remedy: Remedy.of(
                .replayedFromCache,
                at: layers,
                otherwise: "Send Cache-Control: no-cache with event streams."
            ),
            figures: ["age": .whole(age)]
        )
    }

    private func cut() -> Finding? {
        let reading = evidence.plain
        guard case .torn(let how) = reading.end, reading.isStream else { return nil }
        let seconds = (reading.endAt - reading.sentAt) / 1000
        let silent = reading.silence.last / 1000
        // Silence that is longer than any before it is what was not borne.
        let isIdle = silent >= 5 && reading.silence.last >= reading.silence.longest
        return Finding(
            isIdle ? .idleCut : .durationCap,
            .warning,
            layer: layer("a proxy with a timeout, or the server"),
            evidence: isIdle
                ? "The stream was cut after \(Int(silent.rounded())) s of silence (\(how))."
                : "The stream was cut after \(Int(seconds.rounded())) s (\(how)).",
            remedy: Remedy.of(
                isIdle ? .idleCut : .durationCap,
                at: layers,
                otherwise: isIdle
                    ? "Send \(reading.isLines ? "an empty line" : "a comment") every 10 s, or raise the proxy's read timeout."
                    : "Raise the time that a whole response has."
            ),
            figures: [
                "seconds": .number(((isIdle ? silent : seconds) * 10).rounded() / 10), "looks_clean": .flag(false),
            ]
        )
    }

    private enum Resumption { case continued, startedOver, unknown }

    private static func resumption(_ reading: OutsideReading?, after event: OutsideReading.Event) -> Resumption {
        guard let reading, let first = reading.events.first else { return .unknown }
        return reading.events.contains { $0.id == event.id && $0.data == event.data }
            ? .startedOver
            : first.id.isEmpty ? .unknown : .continued
    }

    /// Lost on the way only where the origin resumes.
    private func stripped() -> Finding? {
        guard let resumed = evidence.resumed, Self.resumption(resumed.proxied, after: resumed.after) == .startedOver,
            Self.resumption(resumed.direct, after: resumed.after) == .continued
        else {
            return nil
        }
        return Finding(
            .stripped,
            .fault,
            layer: layer("a proxy that lets only known header fields through"),
            evidence:
                "With a Last-Event-ID the origin continues after that event; through the proxy the stream starts over.",
            remedy: "Let the header field Last-Event-ID through.",
            figures: ["fields": .list(["Last-Event-ID"]), "side": .text("request")]
        )
    }

    private func notes() -> [String] {
        var notes: [String] = ["There is no probe here: this is what can be seen from outside."]
        let reading = evidence.plain
        let caching = reading.head?["cache-control"]?.lowercased() ?? ""
        if !caching.contains("no-cache"), !caching.contains("no-store") {
            notes.append("It has no Cache-Control: no-cache; caches may keep it or give it to several readers.")
        }
        if !caching.contains("no-transform") {
            notes.append("It has no Cache-Control: no-transform, which keeps some compressors away.")
        }
        if reading.isLines {
            notes.append("It is a stream of lines: each that is not empty was taken for an event.")
        } else if !reading.events.isEmpty, reading.events.allSatisfy(\.id.isEmpty) {
            notes.append("Its events have no id: who reconnects misses what was sent meanwhile.")
        } else if let resumed = evidence.resumed {
            switch Self.resumption(resumed.proxied, after: resumed.after) {
            case .continued: notes.append("With a Last-Event-ID it continues after that event.")
            case .startedOver: notes.append("With a Last-Event-ID it starts over.")
            case .unknown: notes.append("With a Last-Event-ID nothing came that shows whether it continues.")
            }
        }
        let silence = reading.silence.longest / 1000
        if reading.isStream, silence >= 12 {
            notes.append(
                "It was silent for \(Int(silence.rounded())) s: \(reading.isLines ? "an empty line" : "a comment") every 10 s keeps "
                    + "proxies from cutting it."
            )
        } else if !reading.comments.isEmpty {
            notes.append(
                "It has \(reading.comments.count) \(reading.isLines ? "empty lines" : "comments"), and was never silent for more than \(Diagnosis.seconds(silence * 1000))."
            )
        }
        switch reading.end {
        case .complete, .closeDelimited:
            notes.append(
                "It ended by itself after \(Diagnosis.seconds(reading.endAt - reading.sentAt))"
                    + (reading.isLines ? "." : "; an EventSource comes back then, unless an event told it not to.")
            )
        default: break
        }
        return notes
    }

    private func timelines() -> [Timeline] {
        let reading = evidence.plain
        guard !reading.events.isEmpty else { return [] }
        let sent = evidence.direct?.events.map { $0.at - reading.sentAt } ?? []
        return [Timeline(title: "as it came", sent: sent, arrived: reading.events.map { $0.at - reading.sentAt })]
    }
}
