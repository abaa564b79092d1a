/// When a call that failed is made again, and when no more.
@available(freshet 0.1, *)
struct BackOff: Sendable {
    /// How long after the first failure; twice as long after each that follows.
    var first = Duration.seconds(1)
    var longest = Duration.seconds(3600)
    /// How long an entry is tried.
    var patience = Duration.seconds(86_400)
    /// However old it is: as often by one process. Who was down as long as we were is given some minutes to start.
    var fewestAttempts = 10

    /// - Parameters:
    ///   - attempts: how many failed; at least one.
    ///   - random: from 0 to 1. The delay is half of its step at 0, and one and a half of it at 1: what failed at one
    ///     moment is not tried again at one moment.
    ///   - asked: what the receiver asked for by `Retry-After`. It is given that, though no more than `longest`.
    func delay(after attempts: Int, random: Double, asked: Duration = .zero) -> Duration {
        let step = attempts > 30 ? longest : min(longest, first * (1 << (max(attempts, 1) - 1)))
        return max(step * (0.5 + random), min(asked, longest))
    }

    func isOver(attempts: Int, after waiting: Duration) -> Bool { attempts >= fewestAttempts && waiting >= patience }
}
