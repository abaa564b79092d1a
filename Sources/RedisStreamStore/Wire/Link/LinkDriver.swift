import NIOCore

/// The part of a link that lives on its event loop.
@available(freshet 0.1, *)
final class LinkDriver {
    private let inbox: LinkInbox
    private let onUp: @Sendable (RedisSession) -> Void
    private let onDown: @Sendable (RedisTrouble) -> Void
    /// Made in `init`, and nil after `close`.
    private var supervisor: ConnectionSupervisor?
    private var connection: RedisConnection?
    /// What the inbox had when the connection was lost.
    private var unsent: [LinkInbox.Submission] = []
    /// Room for what the inbox holds, used again and again.
    private var taken: [LinkInbox.Submission] = []

    init(
        _ configuration: RedisConfiguration,
        on loop: any EventLoop,
        inbox: LinkInbox,
        sentinels: RedisSentinels?,
        setup: ConnectionSupervisor.Setup?,
        onUp: @escaping @Sendable (RedisSession) -> Void,
        onDown: @escaping @Sendable (RedisTrouble) -> Void
    ) {
        self.inbox = inbox
        self.onUp = onUp
        self.onDown = onDown
        supervisor = ConnectionSupervisor(
            configuration,
            on: loop,
            finder: sentinels?.shared,
            setup: setup,
            owner: ConnectionSupervisor.Owner(
                up: { self.becameUp($0, $1) },
                leaving: { self.leave($0) },
                down: { self.becameDown($0) },
                failed: { _ = inbox.becameDown($0) },
                pushed: { _ in },
                answered: { inbox.answered($0) }
            )
        )
    }

    func start() { supervisor?.start() }

    func close() -> EventLoopFuture<Void>? {
        guard let supervisor else { return nil }
        let closed = supervisor.close()
        inbox.close(RedisTrouble(.stopped, "the connection to Redis was closed from here"))
        self.supervisor = nil
        connection = nil
        return closed
    }

    private func becameUp(_ session: RedisSession, _ connection: RedisConnection) {
        self.connection = connection
        inbox.becameUp(session)
        onUp(session)
    }

    private func leave(_ trouble: RedisTrouble) {
        connection = nil
        unsent = inbox.becameDown(trouble)
    }

    private func becameDown(_ trouble: RedisTrouble) {
        // Those that were sent have been told before: they came first.
        for submission in unsent { submission.fail(.notSent(trouble.description)) }
        unsent = []
        onDown(trouble)
    }

    /// Sends what has come since, in its order, with one flush.
    func drain() {
        var submissions = taken
        taken = []
        inbox.take(into: &submissions)
        for submission in submissions { send(submission) }
        connection?.flush()
        submissions.removeAll(keepingCapacity: true)
        taken = submissions
    }

    private func send(_ submission: LinkInbox.Submission) {
        // Who takes the connection down tells those that the inbox has; nothing comes between. It can end while it is
        // written to.
        guard let connection else {
            inbox.answered(submission.bytes)
            return submission.fail(.notSent("the connection to Redis was lost"))
        }
        switch submission {
        case .one(let command, let told): send(command, on: connection, told)
        case .pipeline(let commands, let told):
            let replies = PipelineReplies(count: commands.count, told: told)
            for command in commands { send(command, on: connection, replies.received) }
        }
    }

    private func send(
        _ command: RedisCommand,
        on connection: RedisConnection,
        _ told: @escaping RedisConnection.Told
    ) {
        let bytes = LinkInbox.Submission.bytes(command)
        if !connection.send(command, bytes: bytes, told: told) { inbox.answered(bytes) }
    }
}
