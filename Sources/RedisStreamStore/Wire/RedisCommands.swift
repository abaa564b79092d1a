/// What takes commands for one Redis: the seam at which another client can take the place of ours.
@available(freshet 0.1, *)
package protocol RedisCommands: Sendable {
    /// Sends a command, without a task that waits for its reply.
    ///
    /// - Parameter told: called once, on the connection's event loop and in the order of the replies; where the command
    ///   is refused at once (`notSent`), inside of this call. It must not block.
    func begin(_ command: RedisCommand, told: @escaping @Sendable (Result<RESPValue, RedisFailure>) -> Void)

    /// Sends commands one directly after the other on one connection, which is no transaction: all of them, or none.
    ///
    /// - Parameter told: called once as above, with what came of each, when that is known of all.
    func begin(
        _ pipeline: [RedisCommand],
        told: @escaping @Sendable ([Result<RESPValue, RedisFailure>]) -> Void
    )
}

@available(freshet 0.1, *)
extension RedisCommands {
    /// Sends a command and waits for its reply, whether the task is cancelled or not: it cannot be taken back. Bounded by
    /// the connection's timeouts.
    package func send(_ command: RedisCommand) async throws(RedisFailure) -> RESPValue {
        try await withCheckedContinuation { continuation in
            begin(command) { continuation.resume(returning: $0) }
        }.get()
    }

    package func pipeline(_ commands: [RedisCommand]) async -> [Result<RESPValue, RedisFailure>] {
        await withCheckedContinuation { continuation in
            begin(commands) { continuation.resume(returning: $0) }
        }
    }
}
