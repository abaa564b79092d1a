import StreamHTTP

/// `Retry-After` of an answer (RFC 9110, section 10.2.3): how long its sender wants to be left alone.
@available(freshet 0.1, *)
struct RetryAfter: Sendable, Equatable {
    /// Never negative; `BackOff` bounds it.
    var delay: Duration
    /// Whether it is about all calls, as with 429 and 503, and not about this one alone.
    var isOfAll: Bool

    /// - Parameters:
    ///   - value: The field: seconds, or a date. Nil, or anything else, is as good as none.
    ///   - date: `Date` of the same answer: a date is counted from it, so that the clocks of the two need not agree.
    ///   - now: In seconds since 1970, for an answer without a `Date`.
    init?(_ value: String?, date: String?, now: UInt64, status: UInt) {
        guard let value else { return nil }
        if !value.isEmpty, value.utf8.allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }) {
            delay = .seconds(min(UInt64(value) ?? .max, Self.most))
        } else if let moment = HTTPDate.secondsSince1970(value) {
            let now = date.flatMap { HTTPDate.secondsSince1970($0) } ?? now
            delay = .seconds(moment > now ? min(moment - now, Self.most) : 0)
        } else {
            return nil
        }
        isOfAll = status == 429 || status == 503
    }

    /// Seconds that a `Duration` surely holds: a hundred years.
    private static let most: UInt64 = 3_155_760_000
}
