/// How long to wait before a connection is tried again: with full jitter, so that the nodes which one Redis left do not
/// come back to it at one moment.
@available(freshet 0.1, *)
struct BackOff: Sendable {
    static let first = Duration.milliseconds(50)

    let longest: Duration
    private var failures = 0

    init(longest: Duration) {
        self.longest = longest
    }

    /// - Parameter random: from 0 to 1.
    mutating func next(random: Double) -> Duration {
        // Ten doublings of the first step are above any bound that makes sense.
        let step = min(longest, Self.first * (1 << min(failures, 10)))
        failures += 1
        return step * random
    }

    /// A connection has lasted: the next failure is a first one. One that only came up may be the next of many.
    mutating func reset() { failures = 0 }
}
