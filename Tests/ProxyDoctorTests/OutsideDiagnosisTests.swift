import Testing

@testable import ProxyDoctor

@Suite struct OutsideDiagnosisTests {
    private static let gaps = [60.0, 140, 300, 100, 450, 200]

    /// Moments at which events are sent.
    private static let moments: [Double] = {
        var moments: [Double] = []
        var moment = 500.0
        for index in 0..<30 {
            moments.append(moment)
            moment += gaps[index % gaps.count]
        }
        return moments
    }()

    private func reading(
        at arrivals: [Double],
        fields: [ResponseHead.Field] = [],
        headAt: Double = 10,
        end: ResponseEnd = .open,
        endAt: Double = 8000
    ) -> OutsideReading {
        let head = ResponseHead(status: 200, fields: [ResponseHead.Field("content-type", "text/event-stream")] + fields)
        var reading = OutsideReading(sentAt: 0, head: head, headAt: headAt, end: end, endAt: endAt)
        for (index, moment) in arrivals.enumerated() {
            reading.events.append(OutsideReading.Event(id: "\(index)", data: "event \(index)", at: moment))
            reading.flow.append(StreamObservation.Flow(at: moment, bytes: 30))
        }
        return reading
    }

    private func report(
        _ plain: OutsideReading,
        compressed: OutsideReading? = nil,
        direct: OutsideReading? = nil
    ) -> Report {
        OutsideDiagnosis(OutsideEvidence(plain: plain, compressed: compressed ?? plain, direct: direct))
            .report(url: "http://proxy/events", origin: nil)
    }

    private var live: OutsideReading { reading(at: Self.moments) }

    @Test func eventsThatComeAsStraightFromTheOriginAreLive() {
        #expect(report(live).verdict == .live)
        let later = reading(at: Self.moments.map { $0 + 25 }, headAt: 35)
        #expect(report(later, direct: live).verdict == .live)
    }

    @Test(arguments: ["gzip", "br", "x-unheard-of"]) func aCodingThatNobodyAskedForIsAFault(coding: String) {
        let coded = reading(at: Self.moments, fields: [.init("content-encoding", coding)])
        #expect(report(coded).verdict == .fault(.unaskedCoding))
        #expect(report(live, compressed: coded).verdict == .live)
        #expect(report(reading(at: Self.moments, fields: [.init("content-encoding", "identity")])).verdict == .live)
    }

    @Test func eventsThatComeWithTheNextAreOneBehind() {
        let behind = reading(at: Array(Self.moments.dropFirst()))
        #expect(report(behind, direct: live).verdict == .fault(.oneEventBehind))
    }

    @Test func eventsThatComeTogetherAreBuffered() {
        let batches = reading(at: Self.moments.indices.map { Self.moments[min(29, $0 / 5 * 5 + 4)] })
        #expect(report(batches, direct: live).verdict == .fault(.buffer))
        #expect(report(live, compressed: batches).verdict == .fault(.buffer))
        let coded = reading(at: batches.events.map(\.at), fields: [ResponseHead.Field("content-encoding", "gzip")])
        #expect(report(live, compressed: coded).verdict == .fault(.compressionBuffer))
        let nothing = reading(at: [], fields: [ResponseHead.Field("content-encoding", "gzip")])
        #expect(report(live, compressed: nothing).verdict == .fault(.compressionBuffer))
        #expect(report(reading(at: []), direct: live).verdict == .fault(.fullBuffer))
    }

    @Test func whatWasThereBeforeSaysNothing() {
        let replay = Array(repeating: 15.0, count: 20)
        let plain = reading(at: replay + Self.moments)
        #expect(report(plain, direct: plain).verdict == .live)
        #expect(report(reading(at: replay)).verdict == .inconclusive)
    }

    @Test func aLengthAndACachesMarkAreFaultsAtOnce() {
        let length = reading(at: Self.moments, fields: [ResponseHead.Field("content-length", "900")])
        #expect(report(length).verdict == .fault(.fullBuffer))
        let old = reading(at: Self.moments, fields: [ResponseHead.Field("age", "30")])
        #expect(report(old).verdict == .fault(.replayedFromCache))
    }

    @Test func aCutIsOneOfSilenceWhenSilenceWasLongest() {
        let silent = reading(at: Self.moments, end: .torn("reset"), endAt: Self.moments[29] + 30_000)
        let found = report(silent).findings.first { $0.code == .idleCut }
        #expect(found?.figures["seconds"] == .number(30))
        let busy = reading(at: Self.moments, end: .torn("reset"), endAt: Self.moments[29] + 10)
        #expect(report(busy).findings.contains { $0.code == .durationCap })
        #expect(report(live).findings.map(\.code) == [.live])
    }

    @Test func aPositionIsLostOnTheWayOnlyWhereTheOriginKnowsIt() {
        let after = live.events[3]
        let whole = live
        var rest = live
        rest.events.removeFirst(4)
        var evidence = OutsideEvidence(plain: live, compressed: live, direct: live)
        evidence.resumed = OutsideEvidence.Resumed(after: after, proxied: whole, direct: rest)
        #expect(OutsideDiagnosis(evidence).report(url: "", origin: nil).verdict == .fault(.stripped))
        evidence.resumed = OutsideEvidence.Resumed(after: after, proxied: whole, direct: whole)
        #expect(OutsideDiagnosis(evidence).report(url: "", origin: nil).verdict == .live)
    }
}
