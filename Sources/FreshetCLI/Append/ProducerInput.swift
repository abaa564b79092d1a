/// Where a producer's bytes come from.
@available(freshet 0.1, *)
protocol ProducerInput: Sendable {
    /// Reads once, and calls back with what came.
    func read(_ done: @escaping @Sendable (InputPiece) -> Void)
    /// Calls back when the user wants to stop.
    func onInterrupt(_ stop: @escaping @Sendable () -> Void)
}

/// What one read gave.
@available(freshet 0.1, *)
enum InputPiece: Sendable {
    case bytes([UInt8])
    /// The input ended in good order.
    case end
    /// The input broke off, which must not look like its end.
    case failure(String)
}
