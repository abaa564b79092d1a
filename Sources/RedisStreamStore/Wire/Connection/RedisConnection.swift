import NIOCore
import NIOSSL
import NIOTLS

/// One connection to Redis, from its first byte to its last: commands out, replies in their order, pushes.
///
/// It is used on its event loop only. It watches that replies come: Redis answers in order, so that the oldest command
/// says how long all of them wait.
@available(freshet 0.1, *)
final class RedisConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Told = (Result<RESPValue, RedisFailure>) -> Void

    /// What its owner is told. Each is called on the loop.
    struct Owner {
        /// TCP, and TLS where that is spoken, are there.
        var ready: () -> Void
        var pushed: ([RESPValue]) -> Void
        /// So many bytes of commands have their replies.
        var answered: (_ bytes: Int) -> Void
        /// It takes no more commands, and closes when those which it has are answered.
        var retired: (RedisTrouble) -> Void
        /// It is over: whatever is without a reply fails after this.
        var closing: (RedisTrouble) -> Void
        /// Once, and the last; whatever was without a reply has failed.
        var closed: (RedisTrouble) -> Void
    }

    private struct Waiting {
        var bytes: Int
        var sent: NIODeadline
        var told: Told
    }

    /// A command of so many bytes is written on its own, without a copy.
    private static let ownWrite = 16 << 10
    /// Bytes that are collected for one write.
    private static let longestBatch = 256 << 10
    /// Errors of a Redis that is no longer the master that it was.
    private static let demotions: Set<String> = ["READONLY", "LOADING", "MASTERDOWN"]

    private let configuration: RedisConfiguration
    private let isSecure: Bool
    private var parser: RESPParser
    private var owner: Owner?
    private var context: ChannelHandlerContext?
    private var waiting = CircularBuffer<Waiting>()
    private var batch: ByteBuffer?
    private var lastRead = NIODeadline.now()
    private var watch: Scheduled<Void>?
    private var answeredBytes = 0
    private var isReady = false
    /// Why it takes no more commands.
    private var retirement: RedisTrouble?
    /// Why it is closed.
    private var trouble: RedisTrouble?
    private var isOver = false
    /// Whether Redis has greeted: PINGs are sent while nothing else is due, and its end is that of something that worked.
    var isInUse = false

    init(_ configuration: RedisConfiguration) {
        self.configuration = configuration
        isSecure = configuration.url.isSecure
        parser = RESPParser(limits: configuration.limits)
    }

    /// Gives it its owner, who is told at once what has happened before.
    func attach(_ owner: Owner) {
        guard !isOver else { return owner.closed(trouble ?? closedByPeer) }
        self.owner = owner
        if isReady { owner.ready() }
    }

    /// Whether commands are taken.
    var isOpen: Bool { isReady && retirement == nil && !isOver }

    var closeFuture: EventLoopFuture<Void>? { context?.channel.closeFuture }

    // MARK: Commands

    /// Writes a command, which goes out with the next `flush`.
    ///
    /// - Parameter bytes: what its owner is told by `answered` when it is over.
    /// - Returns: False where it is not taken, which it has been told.
    @discardableResult
    func send(_ command: RedisCommand, bytes: Int = 0, told: @escaping Told) -> Bool {
        guard isOpen else {
            told(.failure(.notSent((trouble ?? retirement ?? closedByPeer).description)))
            return false
        }
        waiting.append(Waiting(bytes: bytes, sent: .now(), told: told))
        write(command)
        return true
    }

    /// Writes a command whose answers are pushes.
    func sendForPushes(_ command: RedisCommand) {
        if isOpen { write(command) }
    }

    private func write(_ command: RedisCommand) {
        var buffer = batch ?? context?.channel.allocator.buffer(capacity: 4096) ?? ByteBuffer()
        if command.byteCount < Self.ownWrite {
            buffer.writeCommand(command)
        } else {
            buffer.writeRESPLength(UInt8(ascii: "*"), command.argumentCount)
            context?.write(wrapOutboundOut(buffer), promise: nil)
            context?.write(wrapOutboundOut(command.arguments), promise: nil)
            batch = nil
            return
        }
        batch = buffer
        guard buffer.readableBytes >= Self.longestBatch else { return }
        batch = nil
        context?.write(wrapOutboundOut(buffer), promise: nil)
    }

    func flush() {
        guard !isOver else { return }
        if let batch { context?.write(wrapOutboundOut(batch), promise: nil) }
        batch = nil
        context?.flush()
    }

    /// Takes no more commands; closes when those which it has are answered.
    func retire(_ trouble: RedisTrouble) {
        guard isOpen else { return }
        retirement = trouble
        owner?.retired(trouble)
        if waiting.isEmpty { close(trouble) }
    }

    /// Ends it: whoever waits is told now, since a dead peer does not answer the goodbye of TLS.
    func close(_ trouble: RedisTrouble) {
        guard !isOver else { return }
        self.trouble = trouble
        over()
        context?.close(mode: .all, promise: nil)
    }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { becameActive(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        over()
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        becameActive(context)
        context.fireChannelActive()
    }

    private func becameActive(_ context: ChannelHandlerContext) {
        if !isSecure { becameReady() }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { becameReady() }
        context.fireUserInboundEventTriggered(event)
    }

    private func becameReady() {
        guard !isReady, !isOver else { return }
        isReady = true
        lastRead = .now()
        scheduleWatch()
        owner?.ready()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        lastRead = .now()
        do throws(RESPParseError) {
            try buffer.withUnsafeReadableBytes { bytes throws(RESPParseError) in
                var position = 0
                // A reply may end the connection: what follows it is not read.
                while !isOver, let value = try parser.next(bytes, &position) { received(value) }
            }
        } catch {
            close(unreadable(error))
        }
    }

    private func unreadable(_ error: RESPParseError) -> RedisTrouble {
        // The first byte of an alert of TLS.
        if !isSecure, error == .unknownType(0x15) {
            return RedisTrouble(.malformed, "what answers there speaks TLS: write rediss://")
        }
        let what = isInUse ? "what Redis sent cannot be read" : "what answers there is not Redis"
        return RedisTrouble(.malformed, "\(what): \(error)")
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        reportAnswered()
        context.fireChannelReadComplete()
    }

    func channelInactive(context: ChannelHandlerContext) {
        over()
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A peer that does not take leave of TLS has closed the connection, and nothing was cut off: replies have lengths.
        if case NIOSSLError.uncleanShutdown = error { return context.close(mode: .all, promise: nil) }
        let trouble = RedisTrouble.ofChannel(error, isReady: isReady)
        // A reset tells no more than an end.
        close(trouble.kind == .closed && !isInUse ? closedByPeer : trouble)
    }

    private func received(_ value: RESPValue) {
        if case .push(let elements) = value {
            owner?.pushed(elements)
            return
        }
        guard let first = waiting.popFirst() else {
            // SUBSCRIBE is answered by pushes, unless it is refused.
            guard case .error(let error) = value else {
                return close(RedisTrouble(.malformed, "Redis answered what was not asked"))
            }
            return close(.ofReply(error))
        }
        answeredBytes += first.bytes
        guard case .error(let error) = value else {
            first.told(.success(value))
            return closeIfRetired()
        }
        first.told(.failure(.refused(error)))
        if Self.demotions.contains(error.code) { retire(.ofReply(error)) }
        closeIfRetired()
    }

    private func closeIfRetired() {
        if let retirement, waiting.isEmpty { close(retirement) }
    }

    private func reportAnswered() {
        guard answeredBytes > 0 else { return }
        let bytes = answeredBytes
        answeredBytes = 0
        owner?.answered(bytes)
    }

    private func failWaiting(_ trouble: RedisTrouble) {
        let failed = waiting
        waiting = CircularBuffer()
        let why = trouble.description
        for one in failed {
            answeredBytes += one.bytes
            one.told(.failure(.lost(why)))
        }
        reportAnswered()
    }

    private func over() {
        guard !isOver else { return }
        isOver = true
        watch?.cancel()
        batch = nil
        let trouble = trouble ?? retirement ?? closedByPeer
        self.trouble = trouble
        owner?.closing(trouble)
        failWaiting(trouble)
        owner?.closed(trouble)
        owner = nil
    }

    private var closedByPeer: RedisTrouble {
        let hint =
            isSecure ? "if it speaks clear text there, write redis://" : "if it speaks TLS there, write rediss://"
        return RedisTrouble(.closed, "Redis closed the connection" + (isInUse ? "" : " before it was used: \(hint)"))
    }

    // MARK: The watch

    private func scheduleWatch() {
        guard let context else { return }
        let shortest = min(configuration.pingInterval, configuration.silenceTimeout, configuration.replyTimeout)
        let period = min(.milliseconds(250), shortest / 4)
        watch = context.eventLoop.assumeIsolated().scheduleTask(in: TimeAmount(period)) {
            self.look()
            if !self.isOver { self.scheduleWatch() }
        }
    }

    private func look() {
        let now = NIODeadline.now()
        guard let first = waiting.first else {
            if isInUse, isOpen, now - lastRead >= TimeAmount(configuration.pingInterval) { ping() }
            return
        }
        if now - first.sent >= TimeAmount(configuration.replyTimeout) {
            return close(RedisTrouble(.timeout, "Redis did not answer within \(configuration.replyTimeout)"))
        }
        if now - max(first.sent, lastRead) >= TimeAmount(configuration.silenceTimeout) {
            close(RedisTrouble(.timeout, "Redis was silent for \(configuration.silenceTimeout)"))
        }
    }

    private func ping() {
        send(RedisCommand("PING")) { [weak self] result in
            // Whoever may not ask that is not served.
            if case .failure(.refused(let error)) = result { self?.close(.ofReply(error)) }
        }
        flush()
    }
}
