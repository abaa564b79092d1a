import ProbeProtocol

/// How the events of one probe arrived, held against when they were sent.
@available(freshet 0.1, *)
package struct Delivery: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// Each came as it was sent.
        case live
        /// Each came when the next one was sent.
        case oneBehind
        case late
        /// Its coding is not known here, so that only its bytes could be seen, and they came as they were sent.
        case liveUnread
        /// There was nothing to judge: no probe's response, or events missing.
        case none
    }

    package enum Limits {
        /// Milliseconds: what takes no longer is live.
        package static let most = 120.0
        package static let usual = 30.0
        /// The share of events that come with the next one, from which it is a habit.
        package static let behind = 0.7
        package static let near = 40.0
        package static let fewestPulses = 6
    }

    package var kind: Kind
    /// Milliseconds of the middle event, of that which nine in ten are not later than, and of the latest.
    package var median: Double
    package var p90: Double
    package var most: Double
    /// The share of events that came when the next one was sent.
    package var behind: Double

    package init(kind: Kind, median: Double = 0, p90: Double = 0, most: Double = 0, behind: Double = 0) {
        self.kind = kind
        self.median = median
        self.p90 = p90
        self.most = most
        self.behind = behind
    }

    /// - Parameters:
    ///   - allowance: how late the control was, in the same step: that much more is nobody's fault.
    ///   - roundTrip: milliseconds that the way there and back takes at least.
    package init(
        _ observation: StreamObservation,
        base: ClockBase,
        allowance: Delivery? = nil,
        roundTrip: Double = 0
    ) {
        self.init(kind: .none)
        guard observation.isProbe, !observation.isReplay else { return }
        if !observation.isReadable {
            self = Self.unread(observation, allowance: allowance, roundTrip: roundTrip)
            return
        }
        guard let instance = observation.meta?.instance, observation.events.count == observation.plan.events,
            observation.plan.events > 1
        else {
            return
        }
        let delays = observation.events.compactMap {
            base.delay(instance: instance, sentAt: $0.sentAt, at: $0.at)
        }
        guard delays.count == observation.events.count else { return }
        measure(delays)
        var near = 0
        for (event, next) in zip(observation.events, observation.events.dropFirst()) {
            guard let due = base.here(instance: instance, next.sentAt) else { continue }
            if abs(event.at - due) <= Limits.near + (allowance?.p90 ?? 0) { near += 1 }
        }
        behind = Double(near) / Double(observation.events.count - 1)
        // Some compressors keep back the last few bytes, and now and then none of those that end an event.
        let late = Double(delays.count { $0 > Limits.near + (allowance?.p90 ?? 0) }) / Double(delays.count)
        let isBehind = behind > Limits.behind || (behind > Limits.behind / 2 && behind > 0.9 * late)
        kind = isLive(beside: allowance) ? .live : isBehind ? .oneBehind : .late
    }

    /// How short whole responses came, which nothing holds back: the control where there is no other way to the origin.
    ///
    /// - Returns: Nil where too few came.
    package init?(pulses: [TimeObservation], base: ClockBase) {
        let delays = pulses.compactMap { pulse in
            pulse.report.flatMap { base.delay(instance: $0.instance, sentAt: $0.now, at: pulse.at) }
        }
        guard delays.count >= Limits.fewestPulses else { return nil }
        self.init(kind: .late)
        measure(delays)
        if isLive(beside: nil) { kind = .live }
    }

    private mutating func measure(_ delays: [Double]) {
        let sorted = delays.sorted()
        median = sorted[sorted.count / 2]
        p90 = sorted[min(sorted.count - 1, sorted.count * 9 / 10)]
        most = sorted[sorted.count - 1]
    }

    /// Each figure is held against the same one of the control: one late event there excuses one here, and not a habit.
    private func isLive(beside control: Delivery?) -> Bool {
        median < Limits.most + (control?.median ?? 0) && p90 < Limits.most + (control?.p90 ?? 0)
            && (most < Limits.most + (control?.most ?? 0) || median < Limits.usual + (control?.median ?? 0))
    }

    /// Whether it was only now and then that an event came late, as on a machine with too much to do: worth another
    /// try.
    package var isNearlyLive: Bool { kind == .late && median < Limits.usual }

    /// Whether a control is itself too late to hold anything against.
    package var isUnfit: Bool { kind == .none || p90 > Limits.most || most > 3 * Limits.most }

    /// Of a body that cannot be read it is seen when bytes came: an event cannot have come before the first bytes that
    /// came after it was sent.
    private static func unread(
        _ observation: StreamObservation,
        allowance: Delivery?,
        roundTrip: Double
    ) -> Delivery {
        guard !observation.flow.isEmpty else { return Delivery(kind: .none) }
        let start = observation.sentAt + roundTrip
        let delays = (0..<observation.plan.events).map { index in
            let due = start + Double(observation.plan.moment(of: index))
            // This way may have been faster than the one that was measured. No two events are as near as this.
            let come = observation.flow.first { $0.at >= due - Limits.near }?.at ?? observation.endAt
            return max(0, come - due)
        }
        guard !delays.isEmpty else { return Delivery(kind: .none) }
        var delivery = Delivery(kind: .late)
        let rhythm = rhythm(observation, near: Limits.near + (allowance?.p90 ?? 0))
        if rhythm.behind > max(Limits.behind, rhythm.asSent) {
            delivery.kind = .oneBehind
            delivery.measure((1..<observation.plan.events).map { gap(observation.plan, before: $0) })
            delivery.behind = rhythm.behind
            return delivery
        }
        delivery.measure(delays)
        // On a busy machine the whole of it begins later than was measured before.
        if rhythm.asSent > Limits.behind || delivery.isLive(beside: allowance) { delivery.kind = .liveUnread }
        return delivery
    }
    /// Milliseconds between an event and the one before it.
    private static func gap(_ plan: ProbePlan, before index: Int) -> Double {
        Double(plan.moment(of: index) - plan.moment(of: index - 1))
    }

    /// Of a body that cannot be read: the share of moments of events at which a piece came, if the largest piece came
    /// at that of its event, and the same if it came with the next one. The first event comes with the description of
    /// the probe, so that its piece is by far the largest.
    private static func rhythm(_ observation: StreamObservation, near: Double) -> (asSent: Double, behind: Double) {
        let plan = observation.plan
        var pieces: [StreamObservation.Flow] = []
        for flow in observation.flow {
            if let last = pieces.last, flow.at - last.at <= 20 {
                pieces[pieces.count - 1].bytes += flow.bytes
            } else {
                pieces.append(flow)
            }
        }
        guard plan.events > 2, let largest = pieces.max(by: { $0.bytes < $1.bytes }) else { return (0, 0) }
        func share(_ first: Int) -> Double {
            let start = largest.at - Double(plan.moment(of: first))
            let came = (first..<plan.events).count { index in
                pieces.contains { abs($0.at - start - Double(plan.moment(of: index))) <= near }
            }
            return Double(came) / Double(plan.events - first)
        }
        return (share(0), share(1))
    }
}
