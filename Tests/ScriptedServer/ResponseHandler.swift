import NIOCore
import NIOHTTP1
import NIOPosix

/// Collects a request and writes the response's bytes.
final class ResponseHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = ByteBuffer

    private let answer: (ScriptedServer.Request) -> ScriptedServer.Response
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []

    init(answer: @escaping (ScriptedServer.Request) -> ScriptedServer.Response) {
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            body = []
        case .body(let buffer):
            body += buffer.readableBytesView
        case .end:
            guard let head else { return }
            let request = ScriptedServer.Request(
                method: head.method.rawValue,
                uri: head.uri,
                headers: head.headers,
                body: body,
                at: .now
            )
            let response = answer(request)
            let context = NIOLoopBound(context, eventLoop: context.eventLoop)
            context.value.eventLoop.scheduleTask(in: response.delay) {
                Self.write(response, to: context.value, isHead: request.method == "HEAD")
            }
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    /// A response that keeps the connection has a length; the others are chunked, so that a cut shows.
    private static func write(_ response: ScriptedServer.Response, to context: ChannelHandlerContext, isHead: Bool) {
        // Three digits, whatever the number.
        var text = "HTTP/1.1 \(String(1000 + response.status).dropFirst()) Scripted\r\n"
        for (name, value) in response.headers { text += "\(name): \(value)\r\n" }
        let hasBody = response.status != 204 && response.status != 304 && !isHead
        let isChunked = hasBody && response.end != .keep
        if isChunked { text += "Transfer-Encoding: chunked\r\n" }
        if hasBody && !isChunked { text += "Content-Length: \(response.body.utf8.count)\r\n" }
        if response.end != .keep { text += "Connection: close\r\n" }
        text += "\r\n"
        if hasBody {
            if !isChunked {
                text += response.body
            } else {
                if !response.body.isEmpty {
                    text += String(response.body.utf8.count, radix: 16) + "\r\n" + response.body + "\r\n"
                }
                if response.end == .close { text += "0\r\n\r\n" }
            }
        }
        let written = context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer(string: text)))
        switch response.end {
        case .keep, .stall:
            break
        case .close:
            let context = NIOLoopBound(context, eventLoop: context.eventLoop)
            written.whenComplete { _ in context.value.close(promise: nil) }
        case .abort:
            let context = NIOLoopBound(context, eventLoop: context.eventLoop)
            written.whenComplete { _ in
                // Lingering for 0 s makes the close a reset.
                let reset = (context.value.channel as? any SocketOptionProvider)?.setSoLinger(
                    linger(l_onoff: 1, l_linger: 0)
                )
                reset?.whenComplete { _ in context.value.close(promise: nil) }
            }
        }
    }
}
