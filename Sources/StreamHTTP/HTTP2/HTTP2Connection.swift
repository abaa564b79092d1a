import DequeModule
import NIOCore
import NIOHPACK
import NIOHTTP2

/// One HTTP/2 connection: gives each stream what the peer sends for it, and the peer what the streams send, as far as
/// its windows go.
///
/// What the protocol asks of frames is NIO's part (`NIOHTTP2Handler`). How many bytes may be sent is counted here too,
/// so that nothing waits below that could be lost with its stream, and so that a reader's pace is known. All that the
/// streams write in one turn of the loop is one flush.
@available(freshet 0.1, *)
final class HTTP2Connection: ChannelDuplexHandler {
    typealias InboundIn = HTTP2Frame
    typealias OutboundIn = HTTP2Frame
    typealias OutboundOut = HTTP2Frame

    /// How much of the body of one request may be on its way to a run that does not take it.
    static let bodyWindow = 65_535
    /// How much of the bodies of all may be: who is slow to take one does not keep others from theirs.
    private static let connectionWindow = 1 << 20
    /// Written and not flushed yet, at most.
    private static let unflushedBytes = 64 * 1024

    enum State: Equatable {
        case open
        /// No more streams; those that there are go on.
        case leaving
        /// Our side is closed.
        case closing(since: NIODeadline)
        case closed
    }

    let loop: HTTPLoop
    let peer: ConnectionPeer
    var context: ChannelHandlerContext?
    var state = State.open
    var streams: [HTTP2StreamID: HTTP2Stream] = [:]
    /// The highest that was begun.
    var last = HTTP2StreamID.rootStream
    /// Heads of bodies without a length, of which the same read may bring the end.
    var undecided: [(id: HTTP2StreamID, headers: HPACKHeaders)] = []
    var idleSince = NIODeadline.now()
    var boundaries = HTTP2FrameBoundaries(now: .now())

    /// Without the port.
    var peerAddress: String { peer.address }

    /// What the peer takes on a new stream, and on all together.
    private(set) var initialWindow = 65_535
    private(set) var window = 65_535
    /// What NIO says the latter is.
    private var reported: Int?
    /// Streams that could send, or write, if the connection could take it, in their order.
    private var line: Deque<HTTP2Stream> = []
    private var isServing = false
    private var unflushed = 0
    private var isDirty = false
    private var isFlushScheduled = false
    private var handed: UInt64 = 0
    private var takenSoFar: UInt64 = 0
    /// The peer broke the protocol, and was told so.
    private var hasFailed = false
    var failureIsCounted = false

    init(loop: HTTPLoop, peer: ConnectionPeer) {
        self.loop = loop
        self.peer = peer
    }

    /// Puts a connection on top of what a channel has: a socket, or TLS.
    static func add(to channel: any Channel, loop: HTTPLoop, peer: ConnectionPeer) throws {
        let connection = HTTP2Connection(loop: loop, peer: peer)
        let limits = loop.configuration.http2
        var settings = NIOHTTP2Handler.ConnectionConfiguration()
        settings.initialSettings = [
            HTTP2Setting(parameter: .maxConcurrentStreams, value: limits.streams),
            HTTP2Setting(parameter: .maxHeaderListSize, value: loop.configuration.headerBytes),
            HTTP2Setting(parameter: .initialWindowSize, value: bodyWindow),
        ]
        settings.maximumSequentialEmptyDataFrames = limits.emptyFrames
        settings.maximumBufferedControlFrames = 1000
        // What is still on its way to a stream that was answered early is no error.
        settings.maximumRecentlyResetStreams = limits.streams
        // Frames of the usual size that hold the largest head, and as many empty ones as else are let through.
        settings.maximumSequentialContinuationFrames =
            loop.configuration.headerBytes / HTTP2SendQueue.frameSize + limits.emptyFrames
        settings.controlFrameRateLimit.maximumCount = limits.controlFrames
        settings.controlFrameRateLimit.windowLength = .seconds(1)
        var stream = NIOHTTP2Handler.StreamConfiguration()
        stream.streamResetFrameRateLimit.maximumCount = limits.resets
        stream.streamResetFrameRateLimit.windowLength = .seconds(1)
        let handler = NIOHTTP2Handler(
            mode: .server,
            frameDelegate: connection,
            connectionConfiguration: settings,
            streamConfiguration: stream
        )
        try channel.pipeline.syncOperations.addHandler(HTTP2OutputHandler(loop: loop))
        try channel.pipeline.syncOperations.addHandler(HTTP2ArrivalHandler(connection: connection))
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.pipeline.syncOperations.addHandler(connection)
    }

    // MARK: Channel events

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
        loop.counts.http2Connections += 1
        write(.windowUpdate(windowSizeIncrement: Self.connectionWindow - Self.bodyWindow), on: .rootStream)
    }

    func handlerRemoved(context: ChannelHandlerContext) { gone() }

    func channelInactive(context: ChannelHandlerContext) {
        gone()
        context.fireChannelInactive()
    }

    func bytesArrived(_ bytes: ByteBufferView) { boundaries.received(bytes, now: .now()) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        switch frame.payload {
        case .headers(let payload): received(payload.headers, on: frame.streamID, isLast: payload.endStream)
        case .data(let payload): received(payload, on: frame.streamID)
        case .windowUpdate(let count): widen(frame.streamID, by: count)
        case .settings(.settings(let settings)): changed(settings)
        default: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        decide()
        context.fireChannelReadComplete()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        // Who has nothing to send yet is told in its turn: last, it would never be, where others fill the connection again.
        if isWritable { for stream in streams.values where stream.mayWaitForConnection { standInLine(stream) } }
        serveLine()
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // Two for each frame of DATA: they are looked for first, and go no further.
        if let event = event as? NIOHTTP2WindowUpdatedEvent {
            return event.streamID == .rootStream ? changed(event) : ()
        }
        switch event {
        case let event as StreamClosedEvent: streamClosed(event.streamID)
        // Neither requests nor room for responses come any more.
        case ChannelEvent.inputClosed: context.close(promise: nil)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // Of one stream: NIO has reset that.
        if error is any NIOHTTP2Error, !hasFailed { return }
        // Of the socket, or of TLS: also a peer that hangs up without the end that TLS has, and will not wait for ours.
        guard hasFailed else {
            leaveStreams()
            state = .closed
            return context.closeBelowTLS()
        }
        // What else came in the same read is wrong too, and is the same failure; so is what fails while this is told.
        guard !failureIsCounted else { return }
        failureIsCounted = true
        loop.counts.http2Failures += 1
        leaveStreams()
        closeOutput()
        // Whatever it is that floods, it is not read.
        try? context.channel.syncOptions?.setOption(.autoRead, value: false)
    }

    private func gone() {
        guard context != nil else { return }
        context = nil
        state = .closed
        loop.remove(self)
        leaveStreams()
    }

    func leaveStreams() {
        undecided = []
        line = []
        let streams = streams
        self.streams = [:]
        for stream in streams.values { close(stream) }
    }

    private func close(_ stream: HTTP2Stream) {
        peer.streams?.leave(peer.address)
        stream.closed()
        // Writing is how it is found that a peer has left, and whoever writes just now looks at the stream afterwards.
        let bound = NIOLoopBound((self, stream), eventLoop: loop.eventLoop)
        loop.eventLoop.execute { withExtendedLifetime(bound) {} }
    }

    // MARK: What the peer sends

    private func received(_ headers: HPACKHeaders, on id: HTTP2StreamID, isLast: Bool) {
        if streams[id] != nil || undecided.contains(where: { $0.id == id }) {
            // Trailers: nothing in them is of use.
            if isLast { bodyEnded(id) }
            return
        }
        guard state == .open else { return }
        last = max(last, id)
        if !isLast, headers.first(name: "content-length") == nil, headers.first(name: "expect") == nil {
            undecided.append((id, headers))
            return
        }
        begin(id, headers, isBodyComplete: isLast)
    }

    private func received(_ payload: HTTP2Frame.FramePayload.Data, on id: HTTP2StreamID) {
        guard case .byteBuffer(let bytes) = payload.data else { return }
        let room = bytes.readableBytes + (payload.paddingBytes.map { $0 + 1 } ?? 0)
        if bytes.readableBytes > 0 { decide(id, isEmpty: false) }
        if room > 0 { streams[id]?.received(bytes, room: room) }
        if payload.endStream { bodyEnded(id) }
    }

    private func bodyEnded(_ id: HTTP2StreamID) {
        decide(id, isEmpty: true)
        streams[id]?.bodyEnded()
    }

    /// A client may send `POST` without a body as a head and an empty frame, and mean none.
    private func decide(_ id: HTTP2StreamID, isEmpty: Bool) {
        guard let index = undecided.firstIndex(where: { $0.id == id }) else { return }
        let (id, headers) = undecided.remove(at: index)
        begin(id, headers, isBodyComplete: isEmpty)
    }

    /// The read is over: whoever has not ended their body by now has one.
    private func decide() {
        while let (id, headers) = undecided.first {
            undecided.removeFirst()
            begin(id, headers, isBodyComplete: false)
        }
    }

    private func begin(_ id: HTTP2StreamID, _ headers: HPACKHeaders, isBodyComplete: Bool) {
        let parsed = HTTP2Syntax.head(headers, isEmpty: isBodyComplete)
        var head = parsed.head
        head.isSecure = peer.isSecure
        let isWithin = peer.streams?.enter(peer.address) ?? true
        let refusal = peer.refusal ?? (isWithin ? nil : .tooManyFromAddress)
        let stream = HTTP2Stream(id, head, isBodyComplete: isBodyComplete, hasRefusal: refusal != nil, on: self)
        streams[id] = stream
        if let flaw = parsed.flaw {
            stream.start(.respond(loop.responder.respond(to: flaw, head: head)))
        } else {
            let facts = ConnectionFacts(
                address: peer.address,
                localAddress: context?.localAddress,
                refusal: refusal,
                isDraining: loop.isDraining,
                isOnThisMachine: peer.isOnThisMachine,
                inflight: loop.configuration.inflight,
                trace: stream.run?.trace
            )
            stream.start(loop.responder.plan(for: head, facts))
        }
        // What is one too many, or comes while the server goes, is the last on its connection.
        if loop.isDraining || peer.refusal != nil { leave() }
    }

    private func streamClosed(_ id: HTTP2StreamID) {
        undecided.removeAll { $0.id == id }
        guard let stream = streams.removeValue(forKey: id) else { return }
        close(stream)
        guard streams.isEmpty else { return }
        idleSince = .now()
        if state == .leaving { scheduleFlush() }
    }

    /// The connection's window is given back as it is used, also for what came on streams that are over: what bounds a
    /// body that nobody takes is its stream's.
    private func changed(_ event: NIOHTTP2WindowUpdatedEvent) {
        reported = event.outboundWindowSize
        guard let left = event.inboundWindowSize, left <= Self.connectionWindow / 4 * 3, state != .closed else {
            return
        }
        write(.windowUpdate(windowSizeIncrement: Self.connectionWindow - left), on: .rootStream)
    }

    // MARK: What the peer takes

    private func widen(_ id: HTTP2StreamID, by count: Int) {
        guard id == .rootStream else { return streams[id]?.widen(by: count) ?? () }
        window += count
        serveLine()
    }

    private func changed(_ settings: HTTP2Settings) {
        guard let setting = settings.last(where: { $0.parameter == .initialWindowSize }) else { return }
        let difference = setting.value - initialWindow
        initialWindow = setting.value
        for stream in streams.values { stream.widen(by: difference) }
    }

    /// Whether more should be written to the connection now.
    var isWritable: Bool { context?.channel.isWritable ?? false }

    /// The bytes that the peer, or its kernel, has taken so far on all streams. It only grows.
    var taken: UInt64 {
        let waiting = (try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        // What TLS makes of the bytes may be more than these.
        takenSoFar = max(takenSoFar, handed - min(handed, UInt64(waiting + unflushed)))
        return takenSoFar
    }

    var hasLine: Bool { !line.isEmpty }

    /// Puts a stream at the end of those that wait for the connection.
    func standInLine(_ stream: HTTP2Stream) {
        guard !stream.isInLine else { return }
        stream.isInLine = true
        line.append(stream)
    }

    /// One frame for each in turn, for as long as the connection takes any.
    private func serveLine() {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        var turns = line.count
        while isWritable, turns > 0, let stream = line.popFirst() {
            stream.takeTurn()
            // Without room for bytes, each is asked once whether it needs any.
            turns = window > 0 ? line.count : turns - 1
        }
    }

    // MARK: What is sent

    func write(_ payload: HTTP2Frame.FramePayload, on id: HTTP2StreamID) {
        guard let context else { return }
        context.write(Self.wrapOutboundOut(HTTP2Frame(streamID: id, payload: payload)), promise: nil)
        scheduleFlush()
    }

    /// A part of a body, no more than the windows allow.
    func write(_ bytes: ByteBuffer, on id: HTTP2StreamID, isLast: Bool) {
        window -= bytes.readableBytes
        unflushed += bytes.readableBytes
        handed += UInt64(bytes.readableBytes)
        write(.data(.init(data: .byteBuffer(bytes), endStream: isLast)), on: id)
        if unflushed >= Self.unflushedBytes { flush() }
    }

    /// Ends a stream, after what was written on it.
    func reset(_ id: HTTP2StreamID, _ code: HTTP2ErrorCode) {
        // What is not flushed goes with the stream.
        flush()
        guard streams[id] != nil else { return }
        write(.rstStream(code), on: id)
    }

    private func scheduleFlush() {
        isDirty = true
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        loop.flushSoon(self)
    }

    func flushInTurn() {
        isFlushScheduled = false
        flush()
        closeIfDone()
    }

    func flush() {
        guard isDirty, let context else { return }
        isDirty = false
        unflushed = 0
        context.flush()
        let counted = reported
        reported = nil
        // With nothing left below, what NIO counts is what is so: a stream that was reset took its unsent bytes along.
        guard isWritable, !isDirty, let counted else { return }
        let wasShut = window <= 0
        window = counted
        if wasShut { serveLine() }
    }
}

@available(freshet 0.1, *)
extension HTTP2Connection: NIOHTTP2FrameDelegate {
    func wroteFrame(_ frame: HTTP2Frame) {
        guard case .goAway(_, let code, _) = frame.payload, code != .noError else { return }
        hasFailed = true
    }
}
