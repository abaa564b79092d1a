import ProbeProtocol

/// Everything that was observed in one run, and what the next step depends on.
package struct Evidence: Sendable {
    /// How many streams are opened at once.
    package static let crowd = 8

    package private(set) var observations: [ProbeLabel: Observation] = [:]
    /// Each route has its own fastest deliveries: the way through a proxy may be the longer one.
    private var bases: [Probe.Route: ClockBase] = [.proxied: ClockBase(), .direct: ClockBase()]
    private var deliveries: [ProbeLabel: Delivery] = [:]

    package init() {}

    package mutating func take(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken {
            observations[label] = observation
            note(observation, label.route)
        }
    }

    /// Of several attempts that of each variant counts which was the most live: what holds events back does it always.
    package mutating func takeTrickles(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken { note(observation, label.route) }
        let control = taken[.control].flatMap { $0.stream.map { Delivery($0, base: bases[.direct]!) } }
        if let control, let before = deliveries[.control], before.p90 < control.p90 {
            // The earlier attempt had the better control.
        } else if let control {
            deliveries[.control] = control
            observations[.control] = taken[.control]
        }
        for (label, observation) in taken where label != .control {
            guard let stream = observation.stream else { continue }
            let delivery = Delivery(stream, base: bases[.proxied]!, allowance: control, roundTrip: roundTrip)
            if let before = deliveries[label], Self.rank(before) <= Self.rank(delivery) { continue }
            deliveries[label] = delivery
            observations[label] = observation
        }
    }

    private static func rank(_ delivery: Delivery) -> Double {
        switch delivery.kind {
        case .live, .liveUnread: delivery.p90 / 1e6
        case .oneBehind, .late: 1 + delivery.p90
        case .none: .infinity
        }
    }

    private mutating func note(_ observation: Observation, _ route: Probe.Route) {
        switch observation {
        case .time(let time): bases[route]!.note(time)
        case .stream(let stream): bases[route]!.note(stream)
        case .departure, .upload: break
        }
    }

    // MARK: What the next step depends on

    package func base(_ route: Probe.Route) -> ClockBase { bases[route]! }

    package func stream(_ label: ProbeLabel) -> StreamObservation? { observations[label]?.stream }

    package func delivery(_ variant: Variant) -> Delivery? { deliveries[.trickle(variant)] }

    package var control: Delivery? { deliveries[.control] }

    /// How a stream that was tried beside the control came.
    package func delivery(_ label: ProbeLabel) -> Delivery? {
        stream(label).map { Delivery($0, base: bases[label.route]!, allowance: control, roundTrip: roundTrip) }
    }

    package func times(_ route: Probe.Route) -> [TimeObservation] {
        (0..<5).compactMap { index in
            guard case .time(let time)? = observations[.reach(route, index)] else { return nil }
            return time
        }
    }

    /// Milliseconds that a request and its answer take at least, through whatever stands between.
    private var roundTrip: Double { times(.proxied).filter { $0.report != nil }.map { $0.at - $0.sentAt }.min() ?? 0 }

    /// Whether the probe answers.
    package var isReached: Bool { times(.proxied).contains { $0.report != nil } }

    package var isReplayed: Bool { streams.contains(where: \.isReplay) }

    private var streams: [StreamObservation] { observations.values.compactMap(\.stream) }

    /// Whether the control itself was late. Without an origin to go to, the run's own fastest stream is the control: if
    /// one variant came through in time, the machine is not what makes the others late.
    package var isControlUnfit: Bool { control?.isUnfit ?? false }

    /// Whether a stream was late now and then, and another try may be better.
    package var isNearlyLive: Bool { Variant.allCases.contains { delivery($0)?.isNearlyLive ?? false } }

    private func isHeld(_ variant: Variant) -> Bool {
        switch delivery(variant)?.kind {
        case .late, .oneBehind: true
        default: false
        }
    }

    /// In which streams events are held back, with the best of the streams that shows it.
    package var held: [Context: Variant] {
        var held: [Context: Variant] = [:]
        if isHeld(.hinted) {
            held[.uncompressed] = .hinted
        } else if isHeld(.plain) {
            held[.uncompressed] = .plain
        }
        if isHeld(.hintedGzip), !isHeld(.hinted) {
            held[.compressed] = .hintedGzip
        } else if isHeld(.plainGzip), !isHeld(.plain), !isHeld(.hintedGzip) {
            held[.compressed] = .plainGzip
        } else if isHeld(.hintedModern), !isHeld(.hinted), !isHeld(.hintedGzip) {
            held[.compressed] = .hintedModern
        }
        return held
    }
}

extension Observation {
    var stream: StreamObservation? {
        if case .stream(let stream) = self { stream } else { nil }
    }
}

extension ProbeLabel {
    /// The way that a probe of this label takes.
    package var route: Probe.Route {
        switch self {
        case .reach(let route, _), .upload(let route): route
        case .control: .direct
        default: .proxied
        }
    }
}
