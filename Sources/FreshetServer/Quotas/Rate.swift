/// So many in so long, by a bucket that holds tokens: each costs one, a full bucket has as many as may come at once, and it
/// fills again evenly.
///
/// Of a caller's bucket one moment is known: when it is full again if nobody takes anything. What is later than now by
/// so many intervals is what is missing. All moments are on the monotonic clock.
@available(freshet 0.1, *)
struct Rate: Sendable {
    /// In which time one token comes back.
    let interval: Duration
    /// How many tokens a full bucket has.
    let burst: Int

    /// - Parameters:
    ///   - count: how many come back in the time; at least 1.
    ///   - burst: at least 1.
    init(_ count: Int, in time: Duration, burst: Int) {
        interval = time / count
        self.burst = burst
    }

    /// Takes a token. Nil if there was one, otherwise how long it takes until there is, and nothing was taken.
    func take(_ full: inout Duration, at now: Duration) -> Duration? {
        let next = max(full, now) + interval
        let wait = next - now - interval * burst
        guard wait <= .zero else { return wait }
        full = next
        return nil
    }

    /// Takes a token, whether there is one or not: what is owed delays those that follow.
    func charge(_ full: inout Duration, at now: Duration) { full = max(full, now) + interval }

    /// Puts one back that was taken.
    func giveBack(_ full: inout Duration) { full -= interval }
}
