import NIOCore

/// The first bytes of a connection in clear text, which say whether the peer speaks HTTP/2 without having asked (prior
/// knowledge; RFC 9113, section 3.3).
@available(freshet 0.1, *)
enum HTTP2Preface {
    enum Verdict: Equatable {
        case undecided
        case http1
        case http2
    }

    static let bytes = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

    /// What the bytes say that have come so far.
    static func verdict(_ received: ByteBufferView) -> Verdict {
        guard zip(received, bytes).allSatisfy({ $0 == $1 }) else { return .http1 }
        return received.count >= bytes.count ? .http2 : .undecided
    }
}

/// Holds the first bytes of a connection until they say what it speaks, for no longer than a request's head may take.
@available(freshet 0.1, *)
final class HTTP2PrefaceHandler: UndecidedConnection {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    let loop: HTTPLoop
    private let peer: ConnectionPeer
    let begin: (_ isHTTP2: Bool) throws -> Void
    var context: ChannelHandlerContext?
    /// What the connection speaks is known: whatever comes from now on, also while the first bytes are passed on, is for
    /// the protocol on top.
    private var isDecided = false
    private var held = ByteBuffer()
    private(set) var since = NIODeadline.now()

    init(loop: HTTPLoop, peer: ConnectionPeer, begin: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.loop = loop
        self.peer = peer
        self.begin = begin
    }

    var patience: TimeAmount {
        let configuration = loop.configuration
        let time = held.readableBytes == 0 ? configuration.idleTime : configuration.headerTime
        return peer.refusal == nil ? time : min(time, configuration.refusedTime)
    }

    func tookTooLong() {}

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
        decided(isHTTP2, in: context) {
            if held.readableBytes > 0 {
                context.fireChannelRead(Self.wrapInboundOut(held))
                context.fireChannelReadComplete()
            }
            if let event { context.fireUserInboundEventTriggered(event) }
        }
    }
}
