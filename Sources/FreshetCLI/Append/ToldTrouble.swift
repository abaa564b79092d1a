import Locks

/// Says on standard error that a server is waited for, once for each time: for a log, which shows no progress.
@available(freshet 0.1, *)
final class ToldTrouble: Sendable {
    private let isTold = Mutex(false)

    /// - Parameter trouble: what is being waited for; nil when nothing is.
    func tell(_ trouble: String?) {
        let isNew = isTold.withLock { isTold in
            defer { isTold = trouble != nil }
            return !isTold
        }
        if let trouble, isNew { Terminal.note("waiting: \(trouble)") }
    }
}
