/// How long to wait before the next attempt.
@available(freshet 0.1, *)
struct Backoff {
    /// What a server can ask for at most; more is a mistake or malice.
    static let longestServerDelay = Duration.seconds(3600)

    /// The server's word or the configured time: no wait is shorter.
    var base: Duration
    /// What repeated failures let the wait grow to.
    var maximum: Duration
    /// Failures in a row.
    var failures = 0

    /// The wait before the next attempt, and one more failure counted.
    ///
    /// After a connection that did its work the wait is the base and up to a fifth more, so that readers cut at the
    /// same moment do not come back at the same moment. After `n` failures it is anything between the base and
    /// `base * 2^n` (full jitter above the floor that `retry:` is), bounded by the maximum.
    mutating func next(using random: inout some RandomNumberGenerator) -> Duration {
        let floor = base.milliseconds
        let ceiling: Int64
        if failures == 0 {
            ceiling = floor + floor / 5
        } else {
            // A base of 0 must not spin: from the second failure on it counts as 100 ms.
            let grown = max(floor, 100) << min(Int64(failures), 20)
            ceiling = max(floor, min(maximum.milliseconds, grown))
        }
        failures += 1
        return .milliseconds(Int64.random(in: floor...ceiling, using: &random))
    }
}

@available(freshet 0.1, *)
extension Duration {
    /// Whole milliseconds, at most those of 24 days, so that arithmetic on them cannot overflow.
    package var milliseconds: Int64 {
        let (seconds, attoseconds) = components
        guard seconds < 2_000_000 else { return 2_000_000_000 }
        return max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }

    /// For people: whole seconds, or milliseconds.
    package var words: String {
        milliseconds % 1000 == 0 ? "\(milliseconds / 1000) s" : "\(milliseconds) ms"
    }
}
