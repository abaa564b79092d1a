package import NIOCore

@available(freshet 0.1, *)
extension EventLoop {
    /// Runs asynchronous work, beginning on this loop, and hands its result back on this loop.
    ///
    /// Work that never suspends, such as an append to a memory store, is done before this returns (`Task.beginning`).
    package func immediately<Value: Sendable>(
        _ work: @escaping @Sendable () async -> Value,
        then: @escaping @Sendable (Value) -> Void
    ) {
        Task.beginning {
            let value = await work()
            if self.inEventLoop { then(value) } else { self.execute { then(value) } }
        }
    }
}
