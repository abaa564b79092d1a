import DequeModule
import NIOCore
import NIOHTTP1
import StreamCore

/// One connection: takes requests one at a time, has each planned by the responder, and carries the plan out.
///
/// Answers are written as bytes; there is no encoder in the pipeline. Once a connection has become a subscription there
/// is no decoder either: what still comes is discarded, and its end is seen.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let plane: LoopPlane
    let responder: any Responder
    let address: String
    let refusal: ConnectionRefusal?
    var encoder: ResponseEncoder
    var machine: ConnectionMachine
    /// Where the parser stands in what the peer sends.
    var boundaries = MessageBoundaries()
    var context: ChannelHandlerContext?
    var parts: Deque<HTTPServerRequestPart> = []
    var isTakingParts = false
    var hasHeldRead = false
    var inputIsClosed = false
    var isOutputClosed = false
    var direct = DirectSend()
    /// Bytes the peer had not taken when last looked at.
    var unsent = 0

    var head: RequestHead?
    var isHTTP10 = false
    var plan: RequestPlan?
    var body: [UInt8] = []
    var live: LiveRequest?
    /// What came in the middle of a live body was no HTTP: told when what came before it is kept.
    var flaw: RequestFailure?
    var subscriber: Subscriber?
    var longPoll: LongPoll?
    /// What the answer waits for.
    var pending: Task<Void, Never>?
    var exchange: Exchange?
    /// A peer that waits for a word before it sends the body of an exchange has been given it.
    var hasContinued = false
    /// The request's body was not read to its end, or the peer asked for it: nothing follows this answer.
    var mustClose = false

    init(
        plane: LoopPlane,
        responder: any Responder,
        address: String,
        refusal: ConnectionRefusal?,
        time: any TimeSource
    ) {
        self.plane = plane
        self.responder = responder
        self.address = address
        self.refusal = refusal
        self.encoder = ResponseEncoder(time: time)
        let configuration = plane.configuration
        // Who is refused anyway does not keep others from being told.
        let patience: TimeAmount = refusal == nil ? .nanoseconds(.max) : configuration.refusedTime
        self.machine = ConnectionMachine(
            times: .init(
                header: min(configuration.headerTime, patience),
                idle: min(configuration.idleTime, patience),
                bodyIdle: configuration.bodyIdleTime,
                writeStall: configuration.writeStall,
                linger: configuration.lingerTime
            ),
            lingerBytes: configuration.lingerBytes,
            now: .now()
        )
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        plane.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { gone() }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A subscription has no decoder: what comes are bytes, and nobody wants them.
        // What follows a last answer nobody wants either.
        let mayKeep = [.deciding, .answering, .waiting, .flushing].contains(machine.phase)
        guard machine.takesParts || mayKeep, !isOutputClosed else { return }
        let part = Self.unwrapInboundIn(data)
        boundaries.parsed(part)
        parts.append(part)
        takeParts()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { hasHeldRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        subscriber?.writabilityChanged()
        exchange?.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputIsClosed = true
        if parts.isEmpty { inputEnded() }
    }

    /// Nothing more comes, and everything that came has been looked at.
    func inputEnded() {
        switch machine.phase {
        case .idle, .head, .collecting, .exchanging, .lingering, .streaming, .waiting, .closed:
            context?.close(promise: nil)
        // Half a body, for ever: what was whole of it is kept, and there is nobody to answer.
        case .live: tearLive()
        // A whole request is answered.
        case .deciding, .bodiless, .answering, .flushing: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError || error is ByteToMessageDecoderError else { return context.close(promise: nil) }
        switch machine.phase {
        case .idle, .head, .deciding, .bodiless, .collecting:
            guard let failure = RequestFailure(error) else { return context.close(promise: nil) }
            fail(failure)
        case .live:
            flaw = RequestFailure(error)
            tearLive()
        case .exchanging:
            // The peer is gone in the middle of the body.
            guard RequestFailure(error) != nil else { return context.close(promise: nil) }
            mustClose = true
            exchange?.torn()
        case .answering, .waiting: mustClose = true
        // What comes now is discarded, whatever it is: also the rest of a request that was refused as malformed, and
        // what a departing decoder held of a request behind a subscription.
        case .flushing, .streaming, .lingering, .closed: break
        }
    }

    // MARK: Time and the end

    func tick(now: NIODeadline) {
        subscriber?.tick(now: now)
        longPoll?.tick(now: now)
        exchange?.tick(now: now)
        if machine.phase == .flushing { noteProgress(now: now) }
        switch machine.timeout(now: now) {
        case nil: break
        case .close: abort()
        case .answer(let failure): fail(failure)
        }
    }

    private func noteProgress(now: NIODeadline) {
        let waiting = unsentBytes
        if waiting != unsent { machine.progressed(now: now) }
        unsent = waiting
    }

    /// May be asked to leave while streams that are being written or have just ended are read to their end.
    var mayLeave: Bool {
        if live != nil || exchange != nil { return false }
        if let subscriber { return !plane.streams.isComingToAnEnd(subscriber.name) }
        return true
    }

    var isBusy: Bool {
        switch machine.phase {
        case .idle, .head, .closed: false
        default: true
        }
    }

    /// The server is going away.
    func drain(closingIdle: Bool) {
        mustClose = true
        if let live { return live.drain() }
        if let subscriber { return subscriber.sayFarewell(.draining) }
        if let longPoll { return longPoll.giveUp() }
        if let exchange { return exchange.drain() }
        if machine.phase == .idle, closingIdle { abort() }
    }

    private func gone() {
        guard context != nil else { return }
        context = nil
        machine.closed()
        plane.remove(self)
        subscriber?.disconnected()
        subscriber = nil
        longPoll?.disconnected()
        longPoll = nil
        pending?.cancel()
        pending = nil
        tearLive()
        exchange?.disconnected()
        exchange = nil
        parts = []
    }

    // MARK: Reading

    private var mayRead: Bool {
        // A peer that sends its next request while it waits is not read further.
        machine.reads && wantsBody && (!isWaiting || parts.isEmpty)
    }

    private var isWaiting: Bool { longPoll != nil || exchange != nil || pending != nil }

    /// What takes the body has room for more of it.
    var wantsBody: Bool { (live?.wantsMore ?? true) && (exchange?.wantsMore ?? true) }

    func resumeReading() {
        guard hasHeldRead, mayRead, let context else { return }
        hasHeldRead = false
        context.read()
    }
}

extension ConnectionHandler: SubscriberOutlet {
    var isWritable: Bool { context?.channel.isWritable ?? false }

    var unsentBytes: Int { (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    @discardableResult
    func send(_ buffer: ByteBuffer) -> Bool {
        guard let context, let rest = direct.send(buffer, on: context) else { return true }
        direct.enqueued()
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.direct.dequeued() }
        context.writeAndFlush(Self.wrapOutboundOut(rest), promise: promise)
        return false
    }

    /// Half-closes, and listens for a while: closing at once while the peer is still sending would make the kernel
    /// answer with a reset, which destroys what the peer has not read yet.
    func finishStream() {
        guard context != nil, !isOutputClosed else { return }
        isOutputClosed = true
        parts = []
        machine.flushing(now: .now())
        whenFlushed { connection in
            connection.machine.lastAnswered(now: .now())
            guard !connection.inputIsClosed else { return connection.abort() }
            connection.context?.close(mode: .output, promise: nil)
            connection.resumeReading()
        }
    }

    func abort() {
        machine.closed()
        context?.close(promise: nil)
    }
}

extension RequestPlan {
    var intake: ConnectionMachine.Intake {
        switch self {
        case .answer, .act: .none
        case .collect: .collect
        case .live: .live
        case .exchange: .exchange
        case .later: preconditionFailure("what is not decided takes nothing in")
        }
    }
}
