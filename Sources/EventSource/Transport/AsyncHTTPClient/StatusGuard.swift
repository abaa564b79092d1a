#if AsyncHTTPClient
package import NIOCore
package import NIOHTTP1

/// Ends a connection whose peer answers with a status that is none, before the HTTP client sees it: AsyncHTTPClient
/// 1.37 takes any status below 200 for an informational response, and traps on the body of one that is no such thing.
///
/// 101 is among them: no upgrade is ever asked for.
@available(freshet 0.1, *)
package final class StatusGuard: ChannelInboundHandler {
    package typealias InboundIn = HTTPClientResponsePart
    package typealias InboundOut = HTTPClientResponsePart

    package struct Impossible: Error, CustomStringConvertible {
        var status: UInt
        package var description: String { "its status is \(status), which answers no request" }
    }

    private var isOver = false

    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        if case .head(let head) = Self.unwrapInboundIn(data), head.status.code < 100 || head.status.code == 101 {
            isOver = true
            context.fireErrorCaught(Impossible(status: head.status.code))
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}

@available(freshet 0.1, *)
extension Channel {
    /// Puts a handler behind the decoder of an HTTP client's connection.
    package func addBehindDecoder(_ make: @escaping @Sendable () -> any ChannelHandler) -> EventLoopFuture<Void> {
        eventLoop.submit {
            let pipeline = self.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(make(), position: .after(decoder))
        }
    }
}
#endif
