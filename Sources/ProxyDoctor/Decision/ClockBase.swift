import ProbeProtocol

/// How the clocks of origins compare with this machine's, by the fastest deliveries: the least that anything took from
/// an origin to here counts as no time at all, and everything else is held against it.
@available(freshet 0.1, *)
package struct ClockBase: Sendable {
    private var least: [String: Double] = [:]

    package init() {}

    package mutating func note(instance: String, sentAt: Double, at moment: Double) {
        least[instance] = min(least[instance] ?? .infinity, moment - sentAt)
    }

    package mutating func note(_ observation: StreamObservation) {
        guard let instance = observation.meta?.instance, !observation.isReplay else { return }
        for event in observation.events { note(instance: instance, sentAt: event.sentAt, at: event.at) }
    }

    package mutating func note(_ observation: TimeObservation) {
        guard let report = observation.report else { return }
        note(instance: report.instance, sentAt: report.now, at: observation.at)
    }

    /// Milliseconds that a delivery took longer than the fastest; nil when nothing is known of that origin.
    package func delay(instance: String, sentAt: Double, at moment: Double) -> Double? {
        least[instance].map { moment - sentAt - $0 }
    }

    /// A moment of the origin on this machine's clock.
    package func here(instance: String, _ moment: Double) -> Double? {
        least[instance].map { moment + $0 }
    }
}
