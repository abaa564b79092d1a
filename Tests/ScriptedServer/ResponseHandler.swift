import NIOCore
import NIOHTTP1
import NIOPosix

/// Collects a request and writes the response's bytes, at once or piece by piece.
@available(freshet 0.1, *)
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

    private static func write(_ response: ScriptedServer.Response, to context: ChannelHandlerContext, isHead: Bool) {
        write(buffers(of: response, isHead: isHead)[...], to: context, end: response.end)
    }

    /// What is written, one after the other. A response that keeps the connection has a length; the others are chunked,
    /// so that a cut shows.
    private static func buffers(of response: ScriptedServer.Response, isHead: Bool) -> [ByteBuffer] {
        // Three digits, whatever the number.
        var head = "HTTP/1.1 \(String(1000 + response.status).dropFirst()) Scripted\r\n"
        for (name, value) in response.headers { head += "\(name): \(value)\r\n" }
        let hasBody = response.status != 204 && response.status != 304 && !isHead
        let isChunked = hasBody && response.end != .keep
        if isChunked { head += "Transfer-Encoding: chunked\r\n" }
        if hasBody && !isChunked { head += "Content-Length: \(response.body.count)\r\n" }
        if response.end != .keep { head += "Connection: close\r\n" }
        var buffers = [ByteBuffer(string: head + "\r\n")]
        guard hasBody else { return buffers }
        var rest = response.body[...]
        while !rest.isEmpty {
            let piece = rest.prefix(response.pieceSize ?? rest.count)
            rest = rest.dropFirst(piece.count)
            var buffer = ByteBuffer()
            if isChunked { buffer.writeString(String(piece.count, radix: 16) + "\r\n") }
            buffer.writeBytes(piece)
            if isChunked { buffer.writeString("\r\n") }
            buffers.append(buffer)
        }
        if isChunked && response.end == .close { buffers.append(ByteBuffer(string: "0\r\n\r\n")) }
        if response.pieceSize != nil { return buffers }
        return [buffers.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }]
    }

    /// Writes the buffers, each after the one before it is with the system, and then ends the response.
    private static func write(
        _ buffers: ArraySlice<ByteBuffer>,
        to context: ChannelHandlerContext,
        end: ScriptedServer.Response.End
    ) {
        guard let first = buffers.first else { return }
        let written = context.writeAndFlush(Self.wrapOutboundOut(first))
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let rest = buffers.dropFirst()
        guard rest.isEmpty else {
            // In another turn of the loop, so that many writes are not as many calls within each other. A client that left
            // gets no more.
            written.whenSuccess {
                bound.value.eventLoop.execute { write(rest, to: bound.value, end: end) }
            }
            return
        }
        switch end {
        case .keep, .stall:
            break
        case .close:
            written.whenComplete { _ in bound.value.close(promise: nil) }
        case .abort:
            written.whenComplete { _ in
                // Lingering for 0 s makes the close a reset.
                let reset = (bound.value.channel as? any SocketOptionProvider)?.setSoLinger(
                    linger(l_onoff: 1, l_linger: 0)
                )
                reset?.whenComplete { _ in bound.value.close(promise: nil) }
            }
        }
    }
}
