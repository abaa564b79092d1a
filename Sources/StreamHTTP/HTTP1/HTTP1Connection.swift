import DequeModule
import NIOCore
import NIOHTTP1

/// One HTTP/1.1 connection: the parser's parts go into one request after the other, and responses go out as bytes.
///
/// There is no encoder in the pipeline. Once a response is a stream there is no decoder either: what still comes is
/// discarded, and its end is seen.
@available(freshet 0.1, *)
final class HTTP1Connection: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let loop: HTTPLoop
    let peer: ConnectionPeer
    /// Asked of the socket once: a connection does not move.
    private lazy var localAddress = context?.localAddress
    var machine: HTTP1ConnectionMachine
    /// Where the parser stands in what the peer sends.
    var boundaries = MessageBoundaries()
    var context: ChannelHandlerContext?
    private(set) var run: RequestRun?
    var parts: Deque<HTTPServerRequestPart> = []
    var isTakingParts = false
    private var hasHeldRead = false
    private var inputIsClosed = false
    var direct: DirectSend
    var bytesSent: UInt64 = 0
    var unsent = UnsentOutput()
    lazy var share = InflightShare(of: self, from: peer.address, on: loop) { $0.giveWay() }
    private var besideBody = BytesBesideBody()
    var taken: UInt64 = 0
    /// What was taken when last looked at.
    private var takenBefore: UInt64 = 0

    init(loop: HTTPLoop, peer: ConnectionPeer, isOnSocket: Bool) {
        self.loop = loop
        self.peer = peer
        self.direct = DirectSend(isOnSocket: isOnSocket)
        self.machine = HTTP1ConnectionMachine(lingerBytes: loop.configuration.lingerBytes, now: .now())
    }

    /// Puts a connection on top of what a channel has: a socket, or handlers that change the bytes.
    ///
    /// - Parameter isOnSocket: it is known that none of those is there.
    static func add(to channel: any Channel, loop: HTTPLoop, peer: ConnectionPeer, isOnSocket: Bool = false) throws {
        let connection = HTTP1Connection(loop: loop, peer: peer, isOnSocket: isOnSocket)
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
    func leaveRun() {
        handOverParts()
        let run = run
        self.run = nil
        run?.left()
    }

    // MARK: Requests

    func takeParts() {
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
    func lookAround() {
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
            inflight: loop.configuration.inflight,
            trace: run.trace
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

    func tell(_ event: HTTP1ConnectionMachine.Event) { perform(machine.next(event, now: .now())) }

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
    func answered(isLast: Bool) {
        run = nil
        // Writing is how a peer is found to have left, and then all of this is over.
        guard context != nil else { return }
        tell(.answered(isLast: isLast))
        if !machine.keepsParts { parts = [] }
        whenFlushed { connection in
            connection.tell(.flushed(isInputOver: connection.isInputOver))
        }
    }

    var isInputOver: Bool { inputIsClosed && parts.isEmpty }

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
        // A peer that sends its next request while it waits is not read further. To look away and back again for
        // each response that is not there at once would cost two system calls (measured: 4 % of an append on SQLite).
        case .request: run.map { $0.wantsBody || (($0.isWaiting || $0.isWorking) && parts.isEmpty) } ?? false
        // Nothing is read while a response is made or taken, so that a peer cannot pile up requests.
        case .flushing, .closed: false
        }
    }

    private func resumeReading() {
        guard hasHeldRead, mayRead, let context else { return }
        hasHeldRead = false
        context.read()
    }

    /// Most of what is written so the socket takes at once: only what it does not take is copied into a buffer.
    func write(_ bytes: [UInt8]) {
        noteUnsent()
        let sent = context.map { direct.send(bytes, on: $0) } ?? 0
        bytesSent += UInt64(sent)
        if sent < bytes.count { send(ByteBuffer(bytes: bytes[sent...])) }
    }
}

@available(freshet 0.1, *)
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
