import Locks
import StreamHTTP

/// How whoever let a request in is asked about it again: a program, which decides anew.
@available(freshet 0.1, *)
package struct Asking: Sendable {
    /// The round in which it was asked last.
    private var round: Int
    private let rounds: AskingRounds
    private let identify: @Sendable () async -> Result<Admission, Problem>

    /// - Parameters:
    ///   - round: the one that was there when the request was asked about at first.
    ///   - identify: who sends the request, as far as is known now.
    init(
        _ round: Int,
        of rounds: AskingRounds,
        identify: @escaping @Sendable () async -> Result<Admission, Problem>
    ) {
        self.round = round
        self.rounds = rounds
        self.identify = identify
    }

    /// Whether all open requests are being asked about since this one was.
    var isOutdated: Bool { round != rounds.current }

    mutating func ask() async -> Result<Admission, Problem> {
        // Before the answer, which may be of either round.
        round = rounds.current
        return await identify()
    }
}

/// How often all open requests were to be asked about again. Shared by all event loops, behind a lock.
@available(freshet 0.1, *)
package final class AskingRounds: Sendable {
    private let number = Mutex(0)

    package init() {}

    package var current: Int { number.withLock(\.self) }

    /// From now on an answer of before is outdated.
    package func begin() { number.withLock { $0 += 1 } }
}
