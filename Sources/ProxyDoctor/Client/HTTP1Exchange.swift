import NIOCore
import NIOSSL

/// One request over HTTP/1.1, on a connection of its own.
@available(freshet 0.1, *)
final class HTTP1Exchange: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let recorder: ExchangeRecorder
    private var parser = HTTP1ResponseParser()
    private var hasSent = false

    init(_ recorder: ExchangeRecorder) {
        self.recorder = recorder
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // With TLS it comes when the connection is there already.
        if context.channel.isActive { send(context) }
    }

    func channelActive(context: ChannelHandlerContext) {
        send(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        for output in parser.parse(unwrapInboundIn(data).readableBytesView) {
            switch output {
            case .head(let head): recorder.head(head)
            case .body(let bytes): recorder.body(bytes)
            case .complete: recorder.finish(.complete)
            case .malformed(let reason): recorder.finish(.torn("not HTTP: \(reason)"))
            }
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        recorder.finish(parser.close())
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        recorder.finish(.torn(TransportTrouble.describe(error)))
        context.close(promise: nil)
    }

    private func send(_ context: ChannelHandlerContext) {
        guard !hasSent else { return }
        hasSent = true
        let request = recorder.request
        var text = "\(request.method) \(request.server.basePath)\(request.target) HTTP/1.1\r\n"
        text += "host: \(request.server.authority)\r\n"
        for field in request.fields { text += "\(field.name): \(field.value)\r\n" }
        if request.isChunked { text += "transfer-encoding: chunked\r\n" }
        text += "\r\n"
        recorder.sent()
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        guard let body = request.body else { return }
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let isChunked = request.isChunked
        for (index, part) in body.enumerated() {
            let isLast = index == body.count - 1
            context.eventLoop.scheduleTask(in: .milliseconds(Int64(part.after))) {
                var buffer = ByteBuffer()
                if isChunked { buffer.writeString(String(part.bytes.count, radix: 16) + "\r\n") }
                buffer.writeBytes(part.bytes)
                if isChunked { buffer.writeString(isLast ? "\r\n0\r\n\r\n" : "\r\n") }
                let context = bound.value
                context.writeAndFlush(NIOAny(buffer), promise: nil)
            }
        }
    }
}
