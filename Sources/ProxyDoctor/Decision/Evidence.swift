import ProbeProtocol

/// Everything that was observed in one run, and what the next step depends on.
@available(freshet 0.1, *)
package struct Evidence: Sendable {
    /// How many streams are opened at once.
    package static let crowd = 8

    package private(set) var observations: [ProbeLabel: Observation] = [:]
    /// Each route has its own fastest deliveries: the way through a proxy may be the longer one.
    private var bases: [Probe.Route: ClockBase] = [.proxied: ClockBase(), .direct: ClockBase()]
    private var trickles = Attempts()
    private var remedies = Attempts()

    package init() {}

    package mutating func take(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken {
            observations[label] = observation
            note(observation, label.route)
        }
    }

    /// Of two attempts the better one counts: what holds a body back does it always.
    package mutating func takeUploads(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken {
            guard case .upload(let upload) = observation else { continue }
            if case .upload(let before)? = observations[label], (before.spread ?? 0) >= (upload.spread ?? 0) {
                continue
            }
            observations[label] = observation
        }
    }

    /// Whether the body of a request did not come as it was sent, on either way.
    package var isUploadHeld: Bool {
        [Probe.Route.proxied, .direct].contains { route in
            if case .upload(let upload)? = observations[.upload(route)] { upload.isHeld } else { false }
        }
    }

    package mutating func takeTrickles(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken { note(observation, label.route) }
        let (deliveries, control) = compare(taken)
        let better = trickles.take(deliveries, control: control)
        for label in better { observations[label] = taken[label] }
        if trickles.control == control { observations[.control] = taken[.control] }
    }

    package mutating func takeRemedies(_ taken: [ProbeLabel: Observation]) {
        for (label, observation) in taken { note(observation, label.route) }
        let (deliveries, control) = compare(taken)
        _ = remedies.take(deliveries, control: control)
    }

    /// The streams of one attempt, each held against the control of the same attempt.
    private func compare(_ taken: [ProbeLabel: Observation]) -> (deliveries: [ProbeLabel: Delivery], control: Delivery?)
    {
        let pulses = taken.compactMap { label, observation -> TimeObservation? in
            guard case .pulse = label, case .time(let time) = observation else { return nil }
            return time
        }
        let control =
            taken[.control]?.stream.map { Delivery($0, base: bases[.direct]!) }
            ?? Delivery(pulses: pulses, base: bases[.proxied]!)
        var deliveries: [ProbeLabel: Delivery] = [:]
        for (label, observation) in taken where label != .control {
            guard let stream = observation.stream else { continue }
            deliveries[label] = Delivery(stream, base: bases[.proxied]!, allowance: control, roundTrip: roundTrip)
        }
        return (deliveries, control)
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

    package func delivery(_ variant: Variant) -> Delivery? { trickles.deliveries[.trickle(variant)] }

    package var control: Delivery? { trickles.control }

    /// Whether events arrive as they are sent when the server says this.
    package func isLetThrough(_ context: Context, _ trial: RemedyTrial) -> Bool {
        switch remedies.deliveries[.remedy(context, trial)]?.kind {
        case .live, .liveUnread: true
        default: false
        }
    }

    package func times(_ route: Probe.Route) -> [TimeObservation] {
        (0..<5).compactMap { index in
            guard case .time(let time)? = observations[.reach(route, index)] else { return nil }
            return time
        }
    }

    /// Milliseconds that a request and its response take at least, through whatever stands between.
    private var roundTrip: Double { times(.proxied).filter { $0.report != nil }.map { $0.at - $0.sentAt }.min() ?? 0 }

    /// Whether the probe answers on this way.
    package func isReached(_ route: Probe.Route) -> Bool { times(route).contains { $0.report != nil } }

    /// The streams that were opened at once.
    package func crowd(_ route: Probe.Route) -> [StreamObservation] {
        (0..<Self.crowd).compactMap { stream(.crowd(route, $0)) }
    }

    /// Whether some of them were answered that there are too many.
    package func isCrowdRefused(_ route: Probe.Route) -> Bool {
        crowd(route).contains { $0.refusal?.isOfLimit ?? false }
    }

    /// What the server itself answered in place of streams that were asked for: by its own words, those of a problem.
    package var refusalsOfServer: [Refusal] {
        streams.compactMap(\.refusal).filter { $0.code != nil && $0.isOfLimit }
    }

    package var isReplayed: Bool { streams.contains(where: \.isReplay) }

    private var streams: [StreamObservation] { observations.values.compactMap(\.stream) }

    /// Whether the control itself was late in every attempt: a stream straight to the origin, or short whole responses
    /// between the streams where there is no such way.
    package var isControlUnfit: Bool { trickles.isControlUnfit }

    /// The same of the streams that try what lets events through.
    package var isRemedyControlUnfit: Bool { remedies.isControlUnfit }

    /// Whether a stream was late now and then, and another try may be better.
    package var isNearlyLive: Bool { trickles.deliveries.values.contains(where: \.isNearlyLive) }

    package var isRemedyNearlyLive: Bool { remedies.deliveries.values.contains(where: \.isNearlyLive) }

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
        if held.isEmpty, isHeld(.hintedLines) { held[.lines] = .hintedLines }
        return held
    }
}

@available(freshet 0.1, *)
extension Observation {
    var stream: StreamObservation? {
        if case .stream(let stream) = self { stream } else { nil }
    }
}

@available(freshet 0.1, *)
extension ProbeLabel {
    /// The way that a probe of this label takes.
    package var route: Probe.Route {
        switch self {
        case .reach(let route, _), .crowd(let route, _), .upload(let route): route
        case .control: .direct
        default: .proxied
        }
    }
}
