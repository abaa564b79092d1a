import Locks

/// The gates of all listeners of a server: what one of them takes is room that the others do not have.
@available(freshet 0.1, *)
final class AcceptGates: Sendable {
    private let gates = Mutex<[@Sendable () -> Void]>([])

    var isEmpty: Bool { gates.withLock(\.isEmpty) }

    /// - Parameter lookAgain: has a gate look whether there is room; may be called anywhere.
    func add(_ lookAgain: @escaping @Sendable () -> Void) { gates.withLock { $0.append(lookAgain) } }

    /// Room was taken or given back.
    func lookAgain() { for gate in gates.withLock(\.self) { gate() } }
}
