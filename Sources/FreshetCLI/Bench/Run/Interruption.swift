import Locks

/// The signal that interrupted a run. Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class Interruption: Sendable {
    private let number = Mutex<Int32?>(nil)

    var signal: Int32? { number.withLock { $0 } }

    /// - Returns: Whether it is the first.
    func note(_ signal: Int32) -> Bool {
        number.withLock { number in
            guard number == nil else { return false }
            number = signal
            return true
        }
    }
}
