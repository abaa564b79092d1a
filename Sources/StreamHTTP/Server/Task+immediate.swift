@available(freshet 0.1, *)
extension Task where Success == Void, Failure == Never {
    /// Begins work on the caller's thread and returns where it first waits: no hop, no wake-up.
    ///
    /// Apple's systems can do that since version 26. On older ones it is a task like any other, which costs a hop.
    @discardableResult
    static func beginning(_ work: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        guard #available(macOS 26, iOS 26, tvOS 26, watchOS 26, visionOS 26, *) else { return Task { await work() } }
        return Task.immediate { await work() }
    }
}
