/// A stream's lease (`Stream-Lease`): how long its producer may be silent. On the monotonic clock.
@available(freshet 0.1, *)
struct Lease {
    /// Nil for a stream without one.
    var length: Duration?
    /// When it last started: at creation, with an append or a renewal, or when the last streaming append ended.
    var start: Duration

    /// When it runs out, unless it starts again before.
    var end: Duration? { length.map { start + $0 } }

    func isRunning(at now: Duration) -> Bool { end.map { now < $0 } ?? false }

    /// The length of a lease that has run out.
    func lapsed(at now: Duration) -> Duration? { end.map { now >= $0 } ?? false ? length : nil }
}
