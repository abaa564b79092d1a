import AsyncHTTPClient
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import CompletionRelay

@Suite("The end of a response")
struct ResponseEndTests {
    private struct Cut: Error {}

    /// What a client is told.
    private final class Client: ChannelInboundHandler {
        typealias InboundIn = HTTPClientResponsePart

        var told: [String] = []

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch Self.unwrapInboundIn(data) {
            case .head(let head): told.append("\(head.status.code)")
            case .body(let bytes): told.append(String(buffer: bytes))
            case .end: told.append("end")
            }
        }

        func channelReadComplete(context: ChannelHandlerContext) { told.append("complete") }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { told.append("error") }

        func channelInactive(context: ChannelHandlerContext) { told.append("inactive") }
    }

    private let channel = EmbeddedChannel()
    private let client = Client()
    private let end = ResponseEnd()

    init() throws {
        try channel.pipeline.syncOperations.addHandlers(ResponseEndHandler(), client)
        var headers: HTTPHeaders = ["Accept": "text/event-stream"]
        end.mark(&headers)
        try channel.writeOutbound(
            HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: headers))
        )
    }

    private func receive(_ status: HTTPResponseStatus) {
        channel.pipeline.fireChannelRead(
            HTTPClientResponsePart.head(HTTPResponseHead(version: .http1_1, status: status))
        )
    }

    private func receive(_ text: String) {
        channel.pipeline.fireChannelRead(HTTPClientResponsePart.body(ByteBuffer(string: text)))
    }

    @Test("costs the wire no field")
    func field() throws {
        guard case .head(let head) = try channel.readOutbound(as: HTTPClientRequestPart.self) else {
            Issue.record("no head")
            return
        }
        #expect(head.headers == ["Accept": "text/event-stream"])
    }

    @Test("comes to the client as if it were whole, behind all that came, and says what it was")
    func broken() {
        receive(.ok)
        receive("a")
        channel.pipeline.fireErrorCaught(Cut())
        channel.pipeline.fireChannelInactive()
        #expect(client.told == ["200", "a", "complete", "end", "error", "inactive"])
        #expect(end.error is Cut)
    }

    @Test("is a closed connection's where nothing else is known")
    func closed() {
        receive(.ok)
        channel.pipeline.fireChannelInactive()
        #expect(client.told == ["200", "complete", "end", "inactive"])
        #expect(end.error as? HTTPClientError == .remoteConnectionClosed)
    }

    @Test("is told once, and not at all before a response or after a whole one", arguments: [true, false])
    func outside(isAnswered: Bool) {
        receive(.processing)
        if isAnswered {
            receive(.ok)
            channel.pipeline.fireChannelRead(HTTPClientResponsePart.end(nil))
        }
        channel.pipeline.fireErrorCaught(Cut())
        channel.pipeline.fireChannelInactive()
        #expect(client.told == (isAnswered ? ["102", "200", "end"] : ["102"]) + ["error", "inactive"])
        #expect(end.error == nil)
    }

    @Test("is nobody's when nobody reads the response any more")
    func dropped() throws {
        var headers: HTTPHeaders = [:]
        var dropped: ResponseEnd? = ResponseEnd()
        dropped?.mark(&headers)
        dropped = nil
        #expect(ResponseEnd.take(from: &headers) == nil)
        #expect(headers.isEmpty)
    }
}
