import NIOCore

/// Stands before the parser of frames and tells the connection what has arrived: what dribbles in for ever is not visible
/// behind it.
@available(freshet 0.1, *)
final class HTTP2ArrivalHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private unowned let connection: HTTP2Connection

    init(connection: HTTP2Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesArrived(Self.unwrapInboundIn(data).readableBytesView)
        context.fireChannelRead(data)
    }
}
