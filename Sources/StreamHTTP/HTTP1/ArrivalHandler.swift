import NIOCore
import NIOHTTP1

/// Stands before the decoder and tells the connection that bytes have arrived: a head that dribbles in for ever is not
/// visible behind the decoder, nor is the protocol that its first line names.
@available(freshet 0.1, *)
final class ArrivalHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private unowned let connection: HTTP1Connection
    /// A request of another protocol has come: nothing behind it is one of ours.
    private var isForeign = false

    init(connection: HTTP1Connection) {
        self.connection = connection
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = Self.unwrapInboundIn(data)
        connection.bytesArrived(bytes.readableBytes)
        while !isForeign, bytes.readableBytes > 0 {
            switch connection.boundaries.next(bytes.readableBytesView) {
            case .bytes(let count):
                guard let piece = bytes.readSlice(length: count) else { return }
                connection.willParse(count)
                context.fireChannelRead(Self.wrapInboundOut(piece))
                connection.didParse()
            case .foreign:
                isForeign = true
                context.fireErrorCaught(HTTPParserError.invalidVersion)
            }
        }
    }
}
