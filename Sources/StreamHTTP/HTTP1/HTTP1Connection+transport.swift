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

/// How what a request makes goes out of its connection, and what of it the peer has taken.
@available(freshet 0.1, *)
extension HTTP1Connection: RequestTransport {
    /// A part of so many bytes goes out behind its head and not as one piece with it: to copy it costs more.
    private static let separateBytes = 16 * 1024

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
        // Of what waited, apart from what the kernel takes of this one at once.
        noteUnsent()
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

    func noteUnsent() {
        guard unsent.bytes > 0 else { return }
        if waiting == 0 { unsent.clear() }
        unsent.note(taken: bytesTaken)
        share.hold(unsent.bytes, .output, hasMoved: unsent.hasMovedAgain(), isTaken: unsent.isTaken)
    }

    /// There is not memory for all that is in flight, and what waits here is most of it.
    func giveWay() {
        guard context != nil else { return }
        // Who takes is not cut off for others who do not: not even between two pages, of which it holds both.
        if unsent.bytes > 0 { unsent.note(taken: bytesTaken) }
        if waiting == 0 { unsent.clear() }
        if unsent.isBeingRead() { return share.stay(unsent.bytes) }
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

    func cut(belowTLS: Bool) {
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
