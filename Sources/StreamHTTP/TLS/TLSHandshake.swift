import NIOCore
import NIOTLS

/// Waits above TLS until its handshake is done, for no longer than a request's head may take, and lets HTTP begin then.
///
/// Nothing of HTTP is in the pipeline before: not a byte is read as a request, or written, that TLS has not taken over.
@available(freshet 0.1, *)
final class TLSHandshake: UndecidedConnection {
    typealias InboundIn = ByteBuffer

    let loop: HTTPLoop
    let patience: TimeAmount
    let since = NIODeadline.now()
    let begin: (_ isHTTP2: Bool) throws -> Void
    var context: ChannelHandlerContext?

    /// - Parameter patience: how long the handshake may take.
    init(loop: HTTPLoop, patience: TimeAmount, begin: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.loop = loop
        self.patience = patience
        self.begin = begin
    }

    func tookTooLong() { loop.counts.failedHandshakes += 1 }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let negotiated) = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        decided(negotiated == "h2", in: context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loop.counts.failedHandshakes += 1
        context.close(promise: nil)
    }
}
