import Locks

/// The running subscriptions of an event source and its copies.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class Subscriptions: Sendable {
    private let signals = Mutex<[ObjectIdentifier: RestartSignal]>([:])

    func add(_ signal: RestartSignal) {
        signals.withLock { $0[ObjectIdentifier(signal)] = signal }
    }

    func remove(_ signal: RestartSignal) {
        signals.withLock { _ = $0.removeValue(forKey: ObjectIdentifier(signal)) }
    }

    func restart() {
        signals.withLock { Array($0.values) }.forEach { $0.ask() }
    }
}
