import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// Makes a whole response of one that breaks off, and notes in its `ResponseEnd` that it did.
@available(freshet 0.1, *)
final class ResponseEndHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias InboundOut = HTTPClientResponsePart
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private var end: ResponseEnd?
    private var isInBody = false

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = Self.unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        end = ResponseEnd.take(from: &head.headers)
        context.write(Self.wrapOutboundOut(.head(head)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): isInBody = head.status.code >= 200
        case .body: break
        case .end: isInBody = false
        }
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        breakOff(context, error)
        context.fireErrorCaught(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        breakOff(context, HTTPClientError.remoteConnectionClosed)
        context.fireChannelInactive()
    }

    private func breakOff(_ context: ChannelHandlerContext, _ error: any Error) {
        guard isInBody, let end else { return }
        end.broke(error)
        isInBody = false
        // An end that comes where the client expects no more until it asks, as after this, closes the connection. Otherwise
        // the next request could be sent on it.
        context.fireChannelReadComplete()
        context.fireChannelRead(Self.wrapInboundOut(.end(nil)))
    }
}
