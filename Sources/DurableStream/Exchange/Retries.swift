import EventSource

/// When a request that failed is made again, and when it is given up.
@available(freshet 0.1, *)
struct Retries<Random: RandomNumberGenerator & Sendable>: Sendable {
    let base: Duration
    let maximum: Duration
    /// Nil for ever.
    let patience: Duration?
    /// Failures in a row.
    private(set) var failures = 0
    private var failingSince: Duration?
    private var random: Random

    init(base: Duration, maximum: Duration, patience: Duration?, random: Random) {
        // Whatever was configured, the arithmetic of waits does not overflow.
        self.maximum = max(.zero, min(maximum, .seconds(3600)))
        self.base = max(.zero, min(base, self.maximum))
        self.patience = patience
        self.random = random
    }

    /// One more failure.
    ///
    /// - Parameter least: What the server asked for, if it did.
    /// - Returns: When to try again; nil when the patience is over.
    mutating func failed(atLeast least: Duration = .zero, at now: Duration) -> Duration? {
        let since = failingSince ?? now
        failingSince = since
        if let patience, now - since >= patience { return nil }
        // Full jitter over a range that doubles; the first repetition comes soon, since it is most often a restart.
        let ceiling = min(maximum, base * (1 << min(failures, 10)))
        let milliseconds = ceiling.milliseconds
        let delay = Duration.milliseconds(Int64.random(in: milliseconds / 5...max(1, milliseconds), using: &random))
        failures += 1
        let next = now + max(least, delay)
        // The last repetition is sent when the patience is over, however long the server asked to stay away.
        return patience.map { min(next, since + $0) } ?? next
    }

    /// There was a response to go on with.
    mutating func succeeded() {
        failures = 0
        failingSince = nil
    }
}

@available(freshet 0.1, *)
extension Retries where Random == SystemRandomNumberGenerator {
    init(_ configuration: DurableStream.Configuration) {
        self.init(
            base: configuration.retryBase,
            maximum: configuration.retryMaximum,
            patience: configuration.patience,
            random: SystemRandomNumberGenerator()
        )
    }
}
