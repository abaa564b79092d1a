import DequeModule
import NIOCore
import NIOHTTP1

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// One HTTP/1.1 connection: the parser's parts go into one request after the other, and responses go out as bytes.
///
/// There is no encoder in the pipeline. Once a response is a stream there is no decoder either: what still comes is
/// discarded, and its end is seen.
final class HTTP1Connection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// A part of so many bytes goes out behind its head and not as one piece with it: to copy it costs more.
    private static let separateBytes = 16 * 1024

    private let loop: HTTPLoop
    private let peer: ConnectionPeer
    /// Asked of the socket once: a connection does not move.
    private lazy var localAddress = context?.localAddress
    private var machine: HTTP1ConnectionMachine
    /// Where the parser stands in what the peer sends.
    var boundaries = MessageBoundaries()
    private var context: ChannelHandlerContext?
    private(set) var run: RequestRun?
    private var parts: Deque<HTTPServerRequestPart> = []
    private var isTakingParts = false
    private var hasHeldRead = false
    private var inputIsClosed = false
    private var direct = DirectSend()
    private(set) var bytesSent: UInt64 = 0
    private var unsent = UnsentOutput()
    private lazy var share = InflightShare(of: self, from: peer.address, on: loop) { $0.giveWay() }
    private var besideBody = BytesBesideBody()
    private var taken: UInt64 = 0
    /// What was taken when last looked at.
    private var takenBefore: UInt64 = 0

    init(loop: HTTPLoop, peer: ConnectionPeer) {
        self.loop = loop
        self.peer = peer
        self.machine = HTTP1ConnectionMachine(lingerBytes: loop.configuration.lingerBytes, now: .now())
    }

    /// Puts a connection on top of what a channel has: a socket, or handlers that change the bytes.
    static func add(to channel: any Channel, loop: HTTPLoop, peer: ConnectionPeer) throws {
        let connection = HTTP1Connection(loop: loop, peer: peer)
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = loop.configuration.headerBytes
        limits.maxHeaderListSize = loop.configuration.headerBytes
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(ArrivalHandler(connection: connection))
        try pipeline.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits))
        )
        try pipeline.addHandler(connection)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) { gone() }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func bytesArrived(_ count: Int) { tell(.bytes(count)) }

    /// The parser is given so many bytes.
    func willParse(_ count: Int) { besideBody.willParse(count) }

    /// It has made what it could of them.
    func didParse() {
        // What is not looked at yet may be another request's.
        guard parts.isEmpty, let run, machine.takesParts, let bytes = besideBody.take() else { return }
        run.receivedBeside(bytes)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // What follows a last response nobody wants; behind a stream there is no decoder, and it comes as bytes.
        guard machine.keepsParts else { return }
        let part = Self.unwrapInboundIn(data)
        boundaries.parsed(part)
        besideBody.parsed(part)
        parts.append(part)
        takeParts()
    }

    func read(context: ChannelHandlerContext) {
        if mayRead { context.read() } else { hasHeldRead = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        noteUnsent()
        run?.writabilityChanged()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        inputIsClosed = true
        if parts.isEmpty { tell(.inputEnded) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Of the socket, or of TLS: also a peer that hangs up without the end that TLS has, and will not wait for ours.
        guard error is HTTPParserError || error is ByteToMessageDecoderError else { return cut(belowTLS: true) }
        tell(.malformed(RequestFailure(error)))
    }

    private func gone() {
        guard context != nil else { return }
        context = nil
        noteUnsent()
        _ = machine.next(.closed, now: .now())
        loop.remove(self)
        leaveRun()
    }

    /// Nobody is answered any more.
    private func leaveRun() {
        handOverParts()
        let run = run
        self.run = nil
        run?.left()
    }

    // MARK: Requests

    private func takeParts() {
        guard !isTakingParts else { return }
        isTakingParts = true
        defer { isTakingParts = false }
        while machine.takesParts, run?.wantsBody ?? true, let part = parts.popFirst() {
            switch part {
            case .head(let head): received(head)
            case .body(let buffer): run?.received(buffer)
            case .end:
                tell(.requestEnded)
                run?.bodyEnded()
            }
        }
        lookAround()
    }

    /// What came may have been looked at to its end, and more be welcome.
    private func lookAround() {
        if !machine.keepsParts { parts = [] }
        if inputIsClosed, parts.isEmpty { tell(.inputEnded) }
        resumeReading()
    }

    private func received(_ parsed: HTTPRequestHead) {
        var head = RequestHead(parsed)
        head.isSecure = peer.isSecure
        let isLast = HTTP1Syntax.isLast(parsed) || loop.isDraining || peer.refusal != nil
        tell(.head(.init(isHTTP10: parsed.version.minor == 0, isHead: head.method == .HEAD, isLast: isLast)))
        let run = RequestRun(head, on: loop, transport: self)
        self.run = run
        if let flaw = HTTP1Syntax.flaw(of: head, parsed.version) {
            return run.start(.respond(loop.responder.respond(to: flaw, head: head)))
        }
        let facts = ConnectionFacts(
            address: peer.address,
            localAddress: localAddress,
            refusal: peer.refusal,
            isDraining: loop.isDraining,
            isOnThisMachine: peer.isOnThisMachine,
            inflight: loop.configuration.inflight
        )
        run.start(loop.responder.plan(for: head, facts))
    }

    /// What came before the connection broke is a part of the body, also where it waits for the append to be opened.
    private func handOverParts() {
        guard let run, run.isAppending else { return }
        let waiting = parts
        parts = []
        for part in waiting {
            switch part {
            case .body(let buffer): run.received(buffer)
            case .end: return run.bodyEnded()
            case .head: return
            }
        }
    }

    // MARK: What the machine decides

    private func tell(_ event: HTTP1ConnectionMachine.Event) { perform(machine.next(event, now: .now())) }

    private func perform(_ action: HTTP1ConnectionMachine.Action) {
        switch action {
        case .none: break
        case .respond(let failure): respond(to: failure)
        case .tellBroken(let failure):
            handOverParts()
            run?.broken(failure)
        case .tellInputEnded:
            handOverParts()
            run?.inputEnded()
        case .takeNext: takeParts()
        case .closeOutput:
            context?.close(mode: .output, promise: nil)
            resumeReading()
        case .close: context?.close(promise: nil)
        case .illegal(let transition):
            assertionFailure("\(transition)")
            abort(reset: false)
        }
    }

    /// The response to what never became a request.
    private func respond(to failure: RequestFailure) {
        let record = loop.record(of: nil, from: peerAddress, sent: bytesSent)
        let response = loop.sent(loop.responder.respond(to: failure, head: nil), to: nil, of: peerAddress)
        write(loop.encoder.encode(response, to: .init(), closes: true))
        record?.status = response.status
        record?.finish(.done, sent: bytesSent)
        answered(isLast: true)
    }

    /// All of a response is written: goes on to the next request, or to the end.
    private func answered(isLast: Bool) {
        run = nil
        // Writing is how a peer is found to have left, and then all of this is over.
        guard context != nil else { return }
        tell(.answered(isLast: isLast))
        if !machine.keepsParts { parts = [] }
        whenFlushed { connection in
            connection.tell(.flushed(isInputOver: connection.isInputOver))
        }
    }

    private var isInputOver: Bool { inputIsClosed && parts.isEmpty }

    /// Goes on once the peer, or its kernel, has taken everything that was written.
    private func whenFlushed(_ body: @escaping (HTTP1Connection) -> Void) {
        guard let context else { return }
        if direct.isIdle { return body(self) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { [weak self] in
            guard let self, self.context != nil else { return }
            body(self)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    // MARK: Reading

    private var mayRead: Bool {
        switch machine.state {
        case .idle, .head, .streaming, .lingering: true
        // A peer that sends its next request while it waits is not read further.
        case .request: run.map { $0.wantsBody || ($0.isWaiting && parts.isEmpty) } ?? false
        // Nothing is read while a response is made or taken, so that a peer cannot pile up requests.
        case .flushing, .closed: false
        }
    }

    private func resumeReading() {
        guard hasHeldRead, mayRead, let context else { return }
        hasHeldRead = false
        context.read()
    }

    private func write(_ bytes: [UInt8]) { send(ByteBuffer(bytes: bytes)) }
}

extension HTTP1Connection: HTTPLoopMember {
    var isBusy: Bool { machine.isBusy }

    func tick(now: NIODeadline) {
        run?.tick(now: now)
        noteUnsent()
        if case .flushing = machine.state, bytesTaken != takenBefore { tell(.progressed) }
        takenBefore = taken
        let configuration = loop.configuration
        // Who is refused anyway does not keep others from being told.
        let patience: TimeAmount = peer.refusal == nil ? .nanoseconds(.max) : configuration.refusedTime
        let times = HTTP1ConnectionMachine.Times(
            header: min(configuration.headerTime, patience),
            idle: min(configuration.idleTime, patience),
            writeStall: configuration.writeStall,
            linger: configuration.lingerTime
        )
        let isFlushing = if case .flushing = machine.state { true } else { false }
        let action = machine.tick(times, now: now)
        if isFlushing, action == .close { loop.evicted(form: "response", from: peer.address) }
        perform(action)
    }

    func drain(closesIdle: Bool) {
        tell(.draining(closesIdle: closesIdle))
        run?.drain()
    }

    func abandon() { abort(reset: false) }
}

extension HTTP1Connection: RequestTransport {
    var peerAddress: String { peer.address }

    private var encoding: ResponseEncoder.Request {
        ResponseEncoder.Request(isHTTP10: machine.request?.isHTTP10 ?? false, isHead: machine.request?.isHead ?? false)
    }

    var framing: BodyFraming { ResponseEncoder.framing(for: encoding) }

    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// Below TLS each connection has bytes of its own.
    var sharesBytes: Bool { !peer.isSecure }

    var bytesTaken: UInt64 {
        let waiting = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // What handlers below make of the bytes may be more than these.
        taken = max(taken, bytesSent - min(bytesSent, UInt64(waiting)))
        return taken
    }

    /// Nothing can follow a response to a request that was not read to its end, or that is the last.
    private var closes: Bool {
        guard let request = machine.request else { return true }
        return request.isLast || !request.isComplete || isInputOver
    }

    func send(_ response: Response) {
        guard context != nil, machine.request != nil else { return }
        let closes = closes || response.framing == .stream
        write(loop.encoder.encode(response, to: encoding, closes: closes))
        answered(isLast: closes)
    }

    func send(_ head: ResponseHead, _ part: ByteBuffer) -> Int {
        // What is not framed ends with the connection.
        let isStreaming = if case .streaming = machine.state { true } else { false }
        let closes = isStreaming || closes || (head.length == nil && encoding.isHTTP10)
        if closes, !isStreaming { tell(.lastResponseBegan) }
        var bytes = ByteBuffer()
        let fields = loop.encoder.encodeOpenHead(
            head.status,
            head.headers,
            length: head.length,
            to: encoding,
            closes: closes
        )
        guard part.readableBytes < Self.separateBytes else {
            write(fields)
            send(part)
            return fields.count + part.readableBytes
        }
        bytes.reserveCapacity(fields.count + part.readableBytes)
        bytes.writeBytes(fields)
        bytes.writeImmutableBuffer(part)
        send(bytes)
        return bytes.readableBytes
    }

    @discardableResult
    func send(_ part: ByteBuffer) -> Bool { send(part, sharedBy: 1) }

    @discardableResult
    func send(_ part: ByteBuffer, sharedBy readers: Int) -> Bool {
        bytesSent += UInt64(part.readableBytes)
        let waited = unsent.bytes > 0 ? waiting : 0
        guard let context, let rest = direct.send(part, on: context) else { return true }
        direct.enqueued()
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenComplete { [weak self] _ in self?.direct.dequeued() }
        context.writeAndFlush(Self.wrapOutboundOut(rest), promise: promise)
        let taken = bytesTaken
        let holders = sharesBytes ? max(1, readers) : 1
        unsent.add(part.readableBytes / holders, behind: waited, taken: taken)
        noteUnsent()
        return false
    }

    /// Bytes that the peer, or its kernel, has not taken.
    private var waiting: Int {
        direct.isIdle ? 0 : (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
    }

    private func noteUnsent() {
        guard unsent.bytes > 0 else { return }
        if waiting == 0 { unsent.clear() }
        let hasMoved = unsent.hasMoved(taken: bytesTaken)
        share.hold(unsent.bytes, .output, hasMoved: hasMoved)
    }

    /// There is not memory for all that is in flight, and what waits here is most of it.
    private func giveWay() {
        guard context != nil else { return }
        // Who takes is not cut off for others who do not: not even between two pages, of which it holds both.
        if waiting == 0 { unsent.clear() }
        if unsent.isBeingRead(taken: bytesTaken) { return share.stay(unsent.bytes) }
        if run?.giveWayWithOutput() ?? false { return }
        // Nothing is being added to it any more: nobody takes it.
        guard case .flushing = machine.state else { return }
        loop.evicted(form: "response", from: peer.address)
        abort(reset: false)
    }

    func finish(isComplete: Bool) {
        guard context != nil, machine.request != nil else { return }
        // To HTTP/1.0 the end of the connection is the end of the body: only a reset says that it is not.
        if !isComplete, encoding.isHTTP10 { return abort(reset: true) }
        answered(isLast: !isComplete)
    }

    func abort(reset: Bool) {
        // To linger for no time is to discard what was not sent and to reset (POSIX, SO_LINGER).
        if reset, let socket = context?.channel as? any SocketOptionProvider {
            socket.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenFailure { _ in }
        }
        // TLS would say goodbye first, as at the end of something whole, and behind what nobody takes.
        cut(belowTLS: reset || waiting > 0)
    }

    private func cut(belowTLS: Bool) {
        _ = machine.next(.closed, now: .now())
        // Now: the channel says that it is closed only after what else was to happen on this loop.
        leaveRun()
        if belowTLS, peer.isSecure { context?.closeBelowTLS() } else { context?.close(promise: nil) }
    }

    func bodyWantChanged() { takeParts() }

    func sendContinue() { write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8)) }

    func responseWaits() { if !isTakingParts { lookAround() } }

    func responseStreams() {
        tell(.streamBegan)
        parts = []
        guard let context else { return }
        let pipeline = context.pipeline.syncOperations
        if let decoder = try? pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            pipeline.removeHandler(context: decoder, promise: nil)
        }
        if let arrival = try? pipeline.context(handlerType: ArrivalHandler.self) {
            pipeline.removeHandler(context: arrival, promise: nil)
        }
        // The buffer for what a peer sends stays with a connection for hours, and a reader sends nothing.
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: FixedSizeRecvByteBufferAllocator(capacity: 512)
        )
    }
}
