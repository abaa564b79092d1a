import NIOCore
import NIOTLS

/// Waits above TLS until its handshake is done, for no longer than a request's head may take, and lets HTTP begin then.
///
/// Nothing of HTTP is in the pipeline before: not a byte is read as a request, or written, that TLS has not taken over.
final class TLSHandshake: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    private let loop: HTTPLoop
    private let patience: TimeAmount
    private let since = NIODeadline.now()
    private let begin: (_ isHTTP2: Bool) throws -> Void
    private var context: ChannelHandlerContext?

    /// - Parameters:
    ///   - patience: how long the handshake may take.
    ///   - begin: puts the protocol that the handshake has chosen on top of the pipeline.
    init(loop: HTTPLoop, patience: TimeAmount, begin: @escaping (_ isHTTP2: Bool) throws -> Void) {
        self.loop = loop
        self.patience = patience
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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case TLSUserEvent.handshakeCompleted(let negotiated) = event else {
            return context.fireUserInboundEventTriggered(event)
        }
        do {
            try begin(negotiated == "h2")
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        loop.counts.failedHandshakes += 1
        context.close(promise: nil)
    }
}

extension TLSHandshake: HTTPLoopMember {
    var run: RequestRun? { nil }

    var isBusy: Bool { false }

    func tick(now: NIODeadline) {
        guard now - since >= patience, let context else { return }
        loop.counts.failedHandshakes += 1
        loop.remove(self)
        context.close(promise: nil)
    }

    func drain(closesIdle: Bool) {
        if closesIdle { context?.close(promise: nil) }
    }

    func abandon() { context?.close(promise: nil) }
}
