import NIOPosix

/// Work that keeps a processor busy for longer than the other connections of an event loop should wait.
@available(freshet 0.1, *)
package enum LongWork {
    /// As many bytes as are looked at in a millisecond or so.
    private static let fewBytes = 64 << 10

    /// Whether so many bytes are few enough to be looked at on an event loop.
    package static func isShort(_ bytes: Int) -> Bool { bytes <= fewBytes }

    /// Looks at bytes: at few of them at once, at many on a thread that no connection waits for. Returns where it was
    /// called.
    package static func look<Value: Sendable>(
        at bytes: Int,
        _ work: @escaping @Sendable () -> Value
    ) async -> Value {
        guard !isShort(bytes) else { return work() }
        // The pool is the process's own and is never shut down.
        return (try? await NIOThreadPool.singleton.runIfActive(work)) ?? work()
    }
}
