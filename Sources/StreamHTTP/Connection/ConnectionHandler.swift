import DequeModule
import Logging
import NIOCore
package import NIOHTTP1
import StreamCore

/// One connection: takes requests one at a time, has each planned by the responder, and carries the plan out.
///
/// Answers are written as bytes; there is no encoder in the pipeline. Once a connection has become a subscription there
/// is no decoder either: what still comes is discarded, and its end is seen.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let plane: LoopPlane
    private let responder: any Responder
    private let address: String
    private let refusal: ConnectionRefusal?
    private var encoder: ResponseEncoder
    private var machine: ConnectionMachine
    private var context: ChannelHandlerContext?
    private var parts: Deque<HTTPServerRequestPart> = []
    private var isTakingParts = false
    private var hasHeldRead = false
    private var inputIsClosed = false
    private var isOutputClosed = false
    private var direct = DirectSend()
    /// Bytes the peer had not taken when last looked at.
    private var unsent = 0

    private var head: HTTPRequestHead?
    private var plan: RequestPlan?
    private var body: [UInt8] = []
    private var live: LiveRequest?
    private var subscriber: Subscriber?
    private var longPoll: LongPoll?
    /// The request's body was not read to its end, or the peer asked for it: nothing follows this answer.
    private var mustClose = false

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
        self.machine = ConnectionMachine(
            times: .init(
                header: configuration.headerTime,
                idle: configuration.idleTime,
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
        let mayKeep = machine.phase == .answering || machine.phase == .waiting || machine.phase == .flushing
        guard machine.takesParts || mayKeep, !isOutputClosed else { return }
        parts.append(Self.unwrapInboundIn(data))
        takeParts()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { hasHeldRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        subscriber?.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputIsClosed = true
        if parts.isEmpty { inputEnded() }
    }

    /// Nothing more comes, and everything that came has been looked at.
    private func inputEnded() {
        switch machine.phase {
        case .idle, .head, .collecting, .lingering, .streaming, .waiting, .closed: context?.close(promise: nil)
        // Half a body, for ever: what was whole of it is kept, and there is nobody to answer.
        case .live: live?.torn()
        // A whole request is answered.
        case .bodiless, .answering, .flushing: break
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard error is HTTPParserError || error is ByteToMessageDecoderError else { return context.close(promise: nil) }
        switch machine.phase {
        case .idle, .head, .bodiless, .collecting:
            guard let failure = RequestFailure(error) else { return context.close(promise: nil) }
            fail(failure)
        case .live: live?.torn()
        case .answering, .waiting: mustClose = true
        // What comes now is discarded, whatever it is: also the rest of a request that was refused as malformed, and
        // what a departing decoder held of a request behind a subscription.
        case .flushing, .streaming, .lingering, .closed: break
        }
    }

    // MARK: Requests

    func bytesArrived(_ count: Int) {
        machine.bytesArrived(count, now: .now())
        if machine.phase == .closed { context?.close(promise: nil) }
    }

    private func takeParts() {
        guard !isTakingParts else { return }
        isTakingParts = true
        defer { isTakingParts = false }
        while machine.takesParts, live?.wantsMore ?? true, let part = parts.popFirst() {
            switch part {
            case .head(let head): received(head)
            case .body(let buffer): received(buffer)
            case .end: receivedEnd()
            }
        }
        if machine.phase == .streaming || machine.phase == .lingering { parts = [] }
        if inputIsClosed, parts.isEmpty { inputEnded() }
        resumeReading()
    }

    private func received(_ head: HTTPRequestHead) {
        self.head = head
        body = []
        // After a request to upgrade the decoder waits for another protocol, and keeps whatever comes.
        let isLast = !head.isKeepAlive || head.method == .CONNECT || !head.headers["upgrade"].isEmpty
        mustClose = isLast || plane.isDraining || refusal != nil
        let isOpenEnded = !head.headers["transfer-encoding"].isEmpty
        let length = head.contentLength
        let hasBody = isOpenEnded || length > 0
        let facts = ConnectionFacts(
            address: address,
            refusal: refusal,
            isDraining: plane.isDraining,
            isBodyOpenEnded: isOpenEnded
        )
        let plan =
            head.version.major == 1
            ? responder.plan(for: head, facts) : .answer(responder.answer(to: .unsupportedVersion, head: head))
        self.plan = plan
        machine.headArrived(plan.intake, hasBody: hasBody, now: .now())
        switch plan {
        case .answer(let response) where hasBody:
            mustClose = true
            reply(.response(response))
        case .act where hasBody:
            mustClose = true
            reply(.response(responder.answer(to: .bodyNotExpected, head: head)))
        case .collect(let limit, _, _) where hasBody && length > limit:
            fail(.bodyTooLarge(limit: limit))
        case .collect(_, let refusal, _) where hasBody && expectsContinue: continueUnless(refusal)
        case .live(let plan) where hasBody: open(plan)
        default: break
        }
    }

    private func received(_ buffer: ByteBuffer) {
        switch machine.phase {
        case .live: live?.received(buffer)
        case .collecting:
            guard case .collect(let limit, _, _) = plan else { return }
            guard body.count + buffer.readableBytes <= limit else { return fail(.bodyTooLarge(limit: limit)) }
            body.append(contentsOf: buffer.readableBytesView)
        // A parser that sees a body where the head gave none has been deceived, or has deceived us.
        case .bodiless: fail(.malformed("it has a body that its head did not announce"))
        default: break
        }
    }

    private func receivedEnd() {
        switch machine.phase {
        case .live:
            machine.requestComplete(now: .now())
            live?.bodyEnded()
        case .bodiless, .collecting:
            machine.requestComplete(now: .now())
            execute()
        default: break
        }
    }

    /// The request is whole: carries its plan out.
    private func execute() {
        guard let plan, let context else { return }
        let work: @Sendable () async -> Reply
        switch plan {
        case .answer(let response): return reply(.response(response))
        case .act(let act): work = act
        case .collect(_, _, let act):
            let whole = body
            body = []
            work = { await act(whole) }
        case .live: preconditionFailure("a live request has a body, and is answered when that ends")
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.immediately(work) { bound.value.reply($0) }
    }

    private func open(_ plan: LivePlan) {
        guard let context else { return }
        let live = LiveRequest(
            plan: plan,
            limits: plane.configuration.pieces,
            eventLoop: context.eventLoop,
            // An append may be decided after the connection has gone.
            onResume: { [weak self] in self?.takeParts() },
            onFinish: { [weak self] response in self?.liveFinished(response) }
        )
        guard let live else { preconditionFailure("a live plan needs a type whose bodies can be cut") }
        self.live = live
        live.open { [weak self] in
            guard let self else { return }
            continueIfExpected()
            takeParts()
        }
    }

    private func liveFinished(_ response: Response?) {
        live = nil
        guard let response else { return abort() }
        // Unless the body was read to its end, what is left of it must not be taken for the next request.
        if machine.phase == .live { mustClose = true }
        reply(.response(response))
    }

    private var expectsContinue: Bool {
        guard let head, head.version.minor >= 1 else { return false }
        return head.headers["expect"].contains { $0.lowercased() == "100-continue" }
    }

    /// `100 Continue`, on acceptance and only when asked for (RFC 9110, section 10.1.1).
    private func continueIfExpected() {
        guard expectsContinue, machine.phase == .collecting || machine.phase == .live else { return }
        write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }

    private func continueUnless(_ refusal: @escaping @Sendable () async -> Response?) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.immediately(refusal) { response in
            let connection = bound.value
            // A client that sent the body without waiting is answered when it is here.
            guard connection.machine.phase == .collecting else { return }
            guard let response else { return connection.continueIfExpected() }
            connection.mustClose = true
            connection.reply(.response(response))
        }
    }

    private func fail(_ failure: RequestFailure) {
        mustClose = true
        reply(.response(responder.answer(to: failure, head: head)))
    }

    // MARK: Answers

    private func reply(_ reply: Reply) {
        guard machine.phase != .closed, machine.phase != .lingering, !isOutputClosed, context != nil else {
            if case .subscribe(let plan) = reply, case .held = plan.opening { plane.held.give(back: plan.name) }
            return
        }
        switch reply {
        case .response(let response): send(response)
        case .subscribe(let plan): subscribe(plan)
        case .wait(let plan): wait(plan)
        }
    }

    private func wait(_ plan: LongPollPlan) {
        machine.waiting(now: .now())
        let longPoll = LongPoll(plan: plan, plane: plane) { [unowned self] response in
            self.longPoll = nil
            send(response)
        }
        self.longPoll = longPoll
        longPoll.open()
        // Read on, so that the end of a peer who gives up is seen.
        resumeReading()
    }

    private func send(_ response: Response) {
        let closes = mustClose || response.framing == .stream || (inputIsClosed && parts.isEmpty)
        write(encoder.encode(response, to: request, closes: closes))
        head = nil
        plan = nil
        body = []
        if closes { return finishStream() }
        machine.flushing(now: .now())
        whenFlushed { connection in
            connection.machine.answered(now: .now())
            if connection.mustClose || (connection.inputIsClosed && connection.parts.isEmpty) {
                return connection.finishStream()
            }
            connection.takeParts()
        }
    }

    /// Goes on once the peer, or its kernel, has taken everything that was written.
    private func whenFlushed(_ body: @escaping (ConnectionHandler) -> Void) {
        guard let context else { return }
        if direct.isIdle { return body(self) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { [weak self] in
            guard let self, self.context != nil else { return }
            body(self)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    private func subscribe(_ plan: SubscriptionPlan) {
        guard let context else { return }
        let request = request
        let head = encoder.encodeStreamHead(plan.headers, to: request)
        machine.streamStarted(now: .now())
        parts = []
        self.head = nil
        self.plan = nil
        removeDecoder(context)
        // The buffer for what a peer sends stays with a connection for hours, and a reader sends nothing.
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: FixedSizeRecvByteBufferAllocator(capacity: 512)
        )
        let subscriber = Subscriber(
            plan: plan,
            framing: ResponseEncoder.framing(for: request),
            outlet: self,
            plane: plane
        )
        self.subscriber = subscriber
        subscriber.open(head: head)
        if inputIsClosed { context.close(promise: nil) }
        resumeReading()
    }

    private func removeDecoder(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let decoder = try? pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            pipeline.removeHandler(context: decoder, promise: nil)
        }
        if let arrival = try? pipeline.context(handlerType: ArrivalHandler.self) {
            pipeline.removeHandler(context: arrival, promise: nil)
        }
    }

    private var request: ResponseEncoder.Request {
        ResponseEncoder.Request(isHTTP10: head.map { $0.version.minor == 0 } ?? false, isHead: head?.method == .HEAD)
    }

    private func write(_ bytes: [UInt8]) { send(ByteBuffer(bytes: bytes)) }

    // MARK: Time and the end

    func tick(now: NIODeadline) {
        subscriber?.tick(now: now)
        longPoll?.tick(now: now)
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

    /// May be asked to leave while streams that are being written are still read to their end.
    var mayLeave: Bool {
        if live != nil { return false }
        if let subscriber { return !plane.streams.isProducing(subscriber.name) }
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
        live?.torn()
        parts = []
    }

    // MARK: Reading

    private var mayRead: Bool {
        // A peer that sends its next request while it waits is not read further.
        machine.reads && (live?.wantsMore ?? true) && (longPoll == nil || parts.isEmpty)
    }

    private func resumeReading() {
        guard hasHeldRead, mayRead, let context else { return }
        hasHeldRead = false
        context.read()
    }
}

extension ConnectionHandler: SubscriberOutlet {
    var isWritable: Bool { context?.channel.isWritable ?? false }

    var unsentBytes: Int { (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0 }

    func send(_ buffer: ByteBuffer) {
        guard let context, let rest = direct.send(buffer, on: context) else { return }
        direct.enqueued()
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.direct.dequeued() }
        context.writeAndFlush(Self.wrapOutboundOut(rest), promise: promise)
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
        }
    }
}

extension HTTPRequestHead {
    /// The body's length in bytes as the head gives it; 0 where it gives none.
    ///
    /// The parser lets through what an `Int` does not hold: that is a body all the same, and too large for every limit.
    package var contentLength: Int {
        headers[canonicalForm: "content-length"].first.flatMap { UInt64($0) }.map { Int(clamping: $0) } ?? 0
    }
}

extension RequestFailure {
    /// What an error of the decoder says about the request; nil when it is an error of the connection.
    init?(_ error: any Error) {
        guard let error = error as? HTTPParserError else { return nil }
        switch error {
        case .headerOverflow: self = .headerTooLarge
        case .invalidVersion: self = .unsupportedVersion
        case .invalidMethod: self = .unsupportedMethod
        case .invalidEOFState, .closedConnection: return nil
        default: self = .malformed("\(error)")
        }
    }
}
