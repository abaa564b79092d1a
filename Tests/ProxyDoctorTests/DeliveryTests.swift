import ProbeProtocol
import Testing

@testable import ProxyDoctor

@Suite struct DeliveryTests {
    private static let plan = ProbePlan(name: "a", events: 12, delay: 1000, gaps: [60, 140, 300, 100, 450, 200])

    /// A body in a coding that is not known here, whose bytes come at these moments, over a way that takes no time.
    private func unread(_ moments: [Double], roundTrip: Double = 0) -> Delivery {
        var observation = StreamObservation(
            plan: Self.plan,
            acceptEncoding: "br",
            sentAt: 0,
            head: ResponseHead(status: 200, fields: [.init(ProbePaths.nonceField.lowercased(), "a")]),
            headAt: moments.first,
            end: .complete,
            endAt: (moments.last ?? 0) + 1
        )
        observation.isReadable = false
        observation.flow = moments.map { .init(at: $0, bytes: 40) }
        return Delivery(observation, base: ClockBase(), roundTrip: roundTrip)
    }

    private static let moments = (0..<plan.events).map { Double(plan.moment(of: $0)) }

    @Test(arguments: [0.0, 2, 8, 30])
    func aBodyThatCannotBeReadIsLiveWhenItComesAsItIsSentAlsoFasterThanWasMeasured(roundTrip: Double) {
        #expect(unread([0] + Self.moments, roundTrip: roundTrip).kind == .liveUnread)
        #expect(unread(Self.moments, roundTrip: roundTrip).kind == .liveUnread, "its head was held")
    }

    /// Its first piece is the largest: it holds the description of the probe.
    @Test(arguments: [0.0, 70, 400]) func thePiecesOfABodyThatCannotBeReadTellWhetherItIsOneEventBehind(delay: Double) {
        let plan = ProbePlan(name: "a", events: 12, gaps: Variant.hintedModern.gaps)
        let moments = (0..<plan.events).map { delay + Double(plan.moment(of: $0)) }
        func delivery(_ moments: [Double]) -> Delivery {
            var observation = StreamObservation(
                plan: plan,
                acceptEncoding: "br",
                sentAt: 0,
                head: ResponseHead(status: 200, fields: [.init(ProbePaths.nonceField.lowercased(), "a")]),
                headAt: 0,
                end: .complete,
                endAt: (moments.last ?? 0) + 1
            )
            observation.isReadable = false
            observation.flow = moments.enumerated().map { .init(at: $1, bytes: $0 == 0 ? 400 : 40) }
            return Delivery(observation, base: ClockBase())
        }
        #expect(delivery(moments).kind == .liveUnread)
        #expect(delivery(Array(moments.dropFirst())).kind == .oneBehind)
        #expect(delivery([moments[11]]).kind == .late)
    }

    @Test func eventsOfWhichSomeGetThroughAreOneBehindWhenAllOthersComeWithTheNext() {
        var base = ClockBase()
        base.note(instance: "one", sentAt: 0, at: 0)
        func delivery(_ arrivals: [Double]) -> Delivery {
            var observation = StreamObservation(
                plan: Self.plan,
                acceptEncoding: "br",
                sentAt: 0,
                head: ResponseHead(status: 200, fields: [.init(ProbePaths.nonceField.lowercased(), "a")]),
                headAt: 0,
                end: .complete,
                endAt: 9000
            )
            observation.meta = ProbeMeta(
                nonce: "n",
                instance: "one",
                name: "a",
                http: "1.1",
                opened: 0,
                request: [:],
                sent: [:]
            )
            observation.events = zip(Self.moments, arrivals).enumerated().map {
                .init(index: $0, sentAt: $1.0, at: $1.1)
            }
            return Delivery(observation, base: base)
        }
        let next = Self.moments.indices.map { Self.moments[min(11, $0 + 1)] }
        let some = Self.moments.indices.map { [2, 5, 8, 9].contains($0) ? Self.moments[$0] : next[$0] }
        #expect(delivery(some).kind == .oneBehind)
        #expect(delivery(Self.moments.map { $0 + 200 }).kind == .late)
    }

    @Test func aBodyThatCannotBeReadIsLateWhenItsBytesComeAtTheEnd() {
        #expect(unread([Self.moments[11]]).kind == .late)
        #expect(unread([0, Self.moments[11]]).kind == .late)
    }
}
