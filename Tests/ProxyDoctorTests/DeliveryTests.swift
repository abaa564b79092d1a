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

    @Test func aBodyThatCannotBeReadIsLateWhenItsBytesComeAtTheEnd() {
        #expect(unread([Self.moments[11]]).kind == .late)
        #expect(unread([0, Self.moments[11]]).kind == .late)
    }
}
