/// How long a stream is kept (`Stream-TTL`, `Stream-Expires-At`). On the monotonic clock.
@available(freshet 0.1, *)
struct TimeToLive {
    /// For how long a store that takes streams itself is asked to leave one that expires at a moment.
    static let holding: Duration = .seconds(30)

    /// For so long without a read or a write; nil where that does not count.
    var idle: Duration?
    /// When it expires whatever happens.
    var expiresAt: Duration?
    /// The last read or write.
    var touched: Duration
    /// The last read or write that the store was told of. What a restart finds is at most an eighth of `idle` older
    /// than the truth.
    var told: Duration

    /// When the stream expires, unless it is used before.
    var expiry: Duration? { .earlier(idle.map { touched + $0 }, expiresAt) }

    /// When the store should be told of a use; nil where none counts.
    ///
    /// Not more often than a store can be expected to note it, however short the time.
    var telling: Duration? { idle.map { told + max($0 / 8, .milliseconds(50)) } }
}

@available(freshet 0.1, *)
extension Duration {
    /// The earlier of two moments, each of which may never come.
    static func earlier(_ left: Duration?, _ right: Duration?) -> Duration? {
        guard let left, let right else { return left ?? right }
        return min(left, right)
    }
}
