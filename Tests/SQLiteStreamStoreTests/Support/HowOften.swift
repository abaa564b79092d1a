import Locks

/// Counts how often something was asked.
final class HowOften: Sendable {
    private let count = Mutex(0)

    /// The number of this time, from 1.
    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
