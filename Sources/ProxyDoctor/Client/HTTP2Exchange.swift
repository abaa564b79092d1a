import NIOCore
import NIOHPACK
import NIOHTTP2

/// One request over HTTP/2, on one stream of a connection.
@available(freshet 0.1, *)
final class HTTP2Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTP2Frame.FramePayload
    typealias OutboundOut = HTTP2Frame.FramePayload

    private let recorder: ExchangeRecorder

    init(_ recorder: ExchangeRecorder) {
        self.recorder = recorder
    }

    func channelActive(context: ChannelHandlerContext) {
        send(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .headers(let frame):
            if let status = frame.headers.first(name: ":status").flatMap({ Int($0) }), !(100..<200).contains(status) {
                let fields = frame.headers.filter { !$0.name.utf8.starts(with: ":".utf8) }
                    .map { ResponseHead.Field($0.name.lowercased(), $0.value) }
                recorder.head(ResponseHead(version: "2", status: status, fields: fields))
            }
            if frame.endStream { recorder.finish(.complete) }
        case .data(let frame):
            if case .byteBuffer(let buffer) = frame.data { recorder.body(Array(buffer.readableBytesView)) }
            if frame.endStream { recorder.finish(.complete) }
        case .rstStream(let code):
            recorder.finish(.torn("RST_STREAM(\(code.networkCode))"))
        default:
            break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        recorder.finish(.torn("the connection closed before END_STREAM"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let closed = error as? NIOHTTP2Errors.StreamClosed {
            recorder.finish(.torn("RST_STREAM(\(closed.errorCode.networkCode))"))
        } else {
            recorder.finish(.torn(TransportTrouble.describe(error)))
        }
        context.close(promise: nil)
    }

    private func send(_ context: ChannelHandlerContext) {
        let request = recorder.request
        var headers = HPACKHeaders([
            (":method", request.method), (":scheme", request.server.isSecure ? "https" : "http"),
            (":authority", request.server.authority), (":path", request.server.basePath + request.target),
        ])
        for field in request.fields { headers.add(name: field.name.lowercased(), value: field.value) }
        recorder.sent()
        let head = HTTP2Frame.FramePayload.headers(.init(headers: headers, endStream: request.body == nil))
        context.writeAndFlush(wrapOutboundOut(head), promise: nil)
        guard let body = request.body else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        for (index, part) in body.enumerated() {
            let isLast = index == body.count - 1
            context.eventLoop.scheduleTask(in: .milliseconds(Int64(part.after))) {
                let data = HTTP2Frame.FramePayload.data(
                    .init(data: .byteBuffer(ByteBuffer(bytes: part.bytes)), endStream: isLast)
                )
                bound.value.writeAndFlush(NIOAny(data), promise: nil)
            }
        }
    }
}
