import NIOCore

/// The first bytes of a connection in clear text, which say whether the peer speaks HTTP/2 without having asked (prior
/// knowledge; RFC 9113, section 3.3).
enum HTTP2Preface {
    enum Verdict: Equatable {
        case undecided
        case http1
        case http2
    }

    private static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// What the bytes say that have come so far.
    static func verdict(_ received: ByteBufferView) -> Verdict {
        guard zip(received, bytes).allSatisfy({ $0 == $1 }) else { return .http1 }
        return received.count >= bytes.count ? .http2 : .undecided
    }
}

/// Holds the first bytes of a connection until they say what it speaks, for no longer than a request's head may take.
final class HTTP2PrefaceHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let loop: HTTPLoop
    private let peer: ConnectionPeer
    private let begin: (_ isHTTP2: Bool) throws -> Void
    private var context: ChannelHandlerContext?
    /// What the connection speaks is known: whatever comes from now on, also while the first bytes are passed on, is for
    /// the protocol on top.
    private var isDecided = false
    private var held = ByteBuffer()
    private var since = NIODeadline.now()

    /// - Parameter begin: puts the protocol on top of the pipeline.
    init(loop: HTTPLoop, peer: ConnectionPeer, begin: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.loop = loop
        self.peer = peer
        self.begin = begin
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        loop.add(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        loop.remove(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        loop.remove(self)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isDecided else { return context.fireChannelRead(data) }
        if held.readableBytes == 0 { since = .now() }
        held.writeImmutableBuffer(Self.unwrapInboundIn(data))
        switch HTTP2Preface.verdict(held.readableBytesView) {
        case .undecided: break
        case .http1: pass(context, isHTTP2: false)
        case .http2: pass(context, isHTTP2: true)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard !isDecided, case ChannelEvent.inputClosed = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        pass(context, isHTTP2: false, .inputClosed)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

    private func pass(_ context: ChannelHandlerContext, isHTTP2: Bool, _ event: ChannelEvent? = nil) {
        isDecided = true
        do {
            try begin(isHTTP2)
        } catch {
            return context.close(promise: nil)
        }
        if held.readableBytes > 0 {
            context.fireChannelRead(Self.wrapInboundOut(held))
            context.fireChannelReadComplete()
        }
        if let event { context.fireUserInboundEventTriggered(event) }
        context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
    }
}

extension HTTP2PrefaceHandler: HTTPLoopMember {
    var run: RequestRun? { nil }

    var isBusy: Bool { false }

    func tick(now: NIODeadline) {
        let configuration = loop.configuration
        let time = held.readableBytes == 0 ? configuration.idleTime : configuration.headerTime
        let patience = peer.refusal == nil ? time : min(time, configuration.refusedTime)
        if now - since >= patience { context?.close(promise: nil) }
    }

    func drain(closesIdle: Bool) {
        if closesIdle { context?.close(promise: nil) }
    }

    func abandon() { context?.close(promise: nil) }
}
