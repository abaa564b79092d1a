package import NIOCore
import NIOPosix

/// A connection for commands that is made again whenever it is lost.
///
/// Commands are pipelined, and what comes in one turn of the event loop goes out in one write. While there is no
/// connection, a command is refused at once: nothing waits for one, so that nothing old is done when it comes back.
@available(freshet 0.1, *)
package final class RedisLink: RedisCommands {
    package let eventLoop: any EventLoop
    private let inbox: LinkInbox
    private let driver: NIOLoopBoundBox<LinkDriver?>

    /// Begins to connect at once, and again after each loss, until it is closed.
    ///
    /// - Parameters:
    ///   - loop: where it lives; nil for one of NIO's own.
    ///   - sentinels: those of other connections on this loop, which are to be at the same master; nil for its own.
    ///   - setup: done on each new connection before it is up. What it throws takes the connection down.
    ///   - onUp: called on the loop, in order: commands are taken from then on.
    ///   - onDown: called on the loop, once after each `onUp`: no commands are taken. Those that were sent have failed,
    ///     unless Redis only ceased to be a master: then their replies still come.
    package init(
        _ configuration: RedisConfiguration,
        on loop: (any EventLoop)? = nil,
        sentinels: RedisSentinels? = nil,
        setup: (@Sendable (any RedisCommands) async throws -> Void)? = nil,
        onUp: @escaping @Sendable (RedisSession) -> Void = { _ in },
        onDown: @escaping @Sendable (RedisTrouble) -> Void = { _ in }
    ) {
        let loop = loop ?? MultiThreadedEventLoopGroup.singleton.next()
        let inbox = LinkInbox(limit: configuration.inFlightBytes)
        let driver = NIOLoopBoundBox<LinkDriver?>.makeEmptyBox(valueType: LinkDriver.self, eventLoop: loop)
        eventLoop = loop
        self.inbox = inbox
        self.driver = driver
        loop.execute {
            let made = LinkDriver(
                configuration,
                on: loop,
                inbox: inbox,
                sentinels: sentinels,
                setup: setup,
                onUp: onUp,
                onDown: onDown
            )
            driver.value = made
            made.start()
        }
    }

    package var state: RedisLinkState { inbox.link }

    /// Nil unless it is up.
    package var session: RedisSession? {
        if case .up(let session) = inbox.link { return session }
        return nil
    }

    /// Bytes of commands that have no reply yet.
    package var bytesInFlight: Int { inbox.bytesInFlight }

    /// Returns when it is up. Throws why it is not, after a time, or at once where waiting does not help.
    package func up(within time: Duration) async throws(RedisTrouble) -> RedisSession {
        let result: Result<RedisSession, RedisTrouble> = await withCheckedContinuation { continuation in
            let number = inbox.wait { continuation.resume(returning: $0) }
            guard let number else { return }
            eventLoop.scheduleTask(in: TimeAmount(time)) { [inbox] in inbox.giveUp(number) }
        }
        return try result.get()
    }

    package func begin(
        _ command: RedisCommand,
        told: @escaping @Sendable (Result<RESPValue, RedisFailure>) -> Void
    ) {
        submit(.one(command, told: told))
    }

    package func begin(
        _ pipeline: [RedisCommand],
        told: @escaping @Sendable ([Result<RESPValue, RedisFailure>]) -> Void
    ) {
        if pipeline.isEmpty { return told([]) }
        submit(.pipeline(pipeline, told: told))
    }

    /// The same, over the connection of one generation and no other.
    func begin(
        _ pipeline: [RedisCommand],
        over generation: UInt64,
        told: @escaping @Sendable ([Result<RESPValue, RedisFailure>]) -> Void
    ) {
        if pipeline.isEmpty { return told([]) }
        submit(.pipeline(pipeline, told: told), over: generation)
    }

    private func submit(_ submission: LinkInbox.Submission, over generation: UInt64? = nil) {
        switch inbox.add(submission, over: generation) {
        case .refused(let failure): submission.fail(failure)
        case .taken: break
        case .first: eventLoop.execute { [driver] in driver.value?.drain() }
        }
    }

    /// Ends it for ever. Commands that were sent fail `lost`, others `notSent`. Returns when the socket is closed.
    package func close() async {
        let driver = driver
        let closed = eventLoop.flatSubmit { [eventLoop] in driver.value?.close() ?? eventLoop.makeSucceededVoidFuture()
        }
        try? await closed.get()
    }
}
