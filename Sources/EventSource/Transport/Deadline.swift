/// Bounds the time of what a transport is asked for.
@available(freshet 0.1, *)
package enum Deadline {
    /// - Parameters:
    ///   - timeout: at most 23 days of it count.
    ///   - missing: what there is none of when the time is over, such as "no response".
    /// - Throws: What `work` throws, or an ``EventSourceTransportError`` when it took longer.
    package static func within<Value: Sendable>(
        _ timeout: Duration,
        _ missing: String,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value.self) { group in
            group.addTask { try await work() }
            group.addTask {
                try await Task.sleep(for: .milliseconds(timeout.milliseconds))
                throw EventSourceTransportError("\(missing) within \(timeout.words)")
            }
            defer { group.cancelAll() }
            guard let value = try await group.next() else { preconditionFailure("two tasks were added") }
            return value
        }
    }
}
