import Freshet
import Hummingbird
import HummingbirdHTTP2
import NIOCore
import NIOHPACK
import NIOHTTP2
import NIOPosix
import Testing

@Suite("Streams inside a Hummingbird application that speaks HTTP/2 in clear text", .timeLimit(.minutes(10)))
struct PlaintextHTTP2Tests {
    private typealias Stream = NIOAsyncChannel<HTTP2Frame.FramePayload, HTTP2Frame.FramePayload>

    /// Fields that only a connection of HTTP/1 has (RFC 9113, section 8.2.2).
    private static let forbidden = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"]

    private static func open(_ stream: any Channel) -> EventLoopFuture<Stream> {
        stream.eventLoop.makeCompletedFuture { try Stream(wrappingChannelSynchronously: stream) }
    }

    /// The response to one request without a body, on a connection of its own: its head, and its body up to a text or to
    /// its end.
    private static func response(
        of app: RunningApp,
        _ method: String,
        _ path: String,
        until text: String? = nil
    ) async throws -> (head: HPACKHeaders, body: String) {
        let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: app.port) { channel in
                channel.configureAsyncHTTP2Pipeline(mode: .client) { stream in open(stream) }
            }
        let stream = try await connection.openStream { stream in open(stream) }
        defer { stream.channel.parent?.close(promise: nil) }
        let fields: HPACKHeaders = [
            ":method": method, ":scheme": "http", ":authority": "127.0.0.1:\(app.port)", ":path": path,
        ]
        return try await stream.executeThenClose { inbound, outbound in
            try await outbound.write(.headers(.init(headers: fields, endStream: true)))
            var head = HPACKHeaders()
            var body = ""
            for try await payload in inbound {
                switch payload {
                case .headers(let part): head.add(contentsOf: part.headers)
                case .data(let part): if case .byteBuffer(let bytes) = part.data { body += String(buffer: bytes) }
                default: break
                }
                if let text, body.contains(text) { break }
            }
            return (head, body)
        }
    }

    @Test("No response has a field of a connection, and those that stay open arrive")
    func fields() async throws {
        try await RunningApp.with(server: .plaintextHTTP2(), isPlaintextHTTP2: true) { app in
            let stream = try await app.streams.create("a", .init(contentType: "text/plain"))
            try await stream.append("one")
            func check(_ status: Int, _ method: String, _ path: String, until text: String? = nil) async throws {
                let (head, body) = try await Self.response(of: app, method, path, until: text)
                #expect(head.first(name: ":status") == "\(status)", "\(path)")
                #expect(head.filter { Self.forbidden.contains($0.name) }.isEmpty, "\(path)")
                if let text { #expect(body.contains(text), "\(path)") }
            }
            try await check(200, "GET", "/v1/stream/a?as=sse", until: "data: one\n\n")
            try await check(200, "GET", "/v1/stream/a?as=ndjson", until: "one")
            try await check(200, "GET", "/v1/stream/a?offset=-1&live=sse", until: "one")
            try await check(200, "GET", "/v1/stream/a", until: "one")
            try await check(404, "GET", "/v1/stream/nothing")
            try await check(201, "PUT", "/v1/stream/b")
            try await check(200, "GET", "/own", until: "own")

            while try app.readers(of: "a") != 0 { await Task.yield() }
            async let polled: Void = check(200, "GET", "/v1/stream/a?offset=now&live=long-poll", until: "two")
            while try app.readers(of: "a") != 1 { await Task.yield() }
            try await stream.append("two")
            try await polled
        }
    }
}
