/// Where a producer's bytes come from.
protocol ProducerInput: Sendable {
    /// Reads once, and calls back with what came; with nothing at the end of the input.
    func read(_ done: @escaping @Sendable ([UInt8]) -> Void)
    /// Calls back when the user wants to stop.
    func onInterrupt(_ stop: @escaping @Sendable () -> Void)
}
