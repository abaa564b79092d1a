/// The cursor of reads that follow (Durable Streams protocol, section 10.1): the number of the current interval of
/// time, told to clients, who send it with the next request, so that no cache on the way answers with the same
/// emptiness for ever.
@available(freshet 0.1, *)
enum StreamCursor {
    /// 9 October 2024, 00:00 UTC, in milliseconds since 1970.
    private static let epoch: UInt64 = 1_728_432_000_000
    private static let intervalMilliseconds: UInt64 = 20_000
    /// What a client may have been told; a larger one is none of ours.
    private static let largest: UInt64 = 1 << 53

    static func interval(atWallMilliseconds now: UInt64) -> UInt64 {
        now < epoch ? 0 : (now - epoch) / intervalMilliseconds
    }

    /// The first cursor for a client: later than the one it came with.
    ///
    /// - Parameter jitter: a number of seconds from a range.
    static func next(
        after asked: String?,
        wallMilliseconds now: UInt64,
        jitter: (ClosedRange<Int>) -> Int
    ) -> UInt64 {
        let interval = interval(atWallMilliseconds: now)
        guard let asked = asked.flatMap({ StreamHeaders.decimal($0) }), asked <= largest, asked >= interval else {
            return interval
        }
        return asked + max(1, UInt64(jitter(1...3600)) * 1000 / intervalMilliseconds)
    }
}
