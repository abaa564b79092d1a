import NIOCore

/// Commands on a connection that is not up yet.
@available(freshet 0.1, *)
struct SetupCommands: RedisCommands {
    private let connection: NIOLoopBound<RedisConnection>

    /// Call it on the loop.
    init(_ connection: RedisConnection, on loop: any EventLoop) {
        self.connection = NIOLoopBound(connection, eventLoop: loop)
    }

    func begin(_ command: RedisCommand, told: @escaping @Sendable (Result<RESPValue, RedisFailure>) -> Void) {
        connection.eventLoop.execute {
            connection.value.send(command, told: told)
            connection.value.flush()
        }
    }

    func begin(
        _ pipeline: [RedisCommand],
        told: @escaping @Sendable ([Result<RESPValue, RedisFailure>]) -> Void
    ) {
        connection.eventLoop.execute {
            let replies = PipelineReplies(count: pipeline.count, told: told)
            for command in pipeline { connection.value.send(command, told: replies.received) }
            connection.value.flush()
        }
    }
}
