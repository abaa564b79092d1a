import AsyncHTTPClient
import Freshet
import NIOCore
import NIOHTTP1
import Testing

@Suite("A program decides who may", .timeLimit(.minutes(10)))
struct AccessTests {
    private struct Broken: Error {}

    /// Asks a table, asynchronously, who the value of `Authorization` is.
    private static func authorise(_ request: RequestHead) async throws -> AccessDecision {
        await Task.yield()
        switch request.header("authorization") {
        case "Bearer ann": return .allow("ann", [.init([.read, .append], on: ["chat/"]), .init(.read)])
        case "Bearer broken": throw Broken()
        case nil where request.cookie("user") == "bob": return .allow("bob", [.init(.all, on: ["bob/"])])
        case nil: return .refuse
        default: return .undecided
        }
    }

    @Test("Rights hold on their prefixes, and what is missing is said")
    func rights() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(authorise: Self.authorise)) {
            running async throws in
            try await running.streams.create("chat/1").append("x")
            try await running.streams.create("other").append("x")
            let ann = [("Authorization", "Bearer ann"), ("Content-Type", "text/event-stream")]
            #expect(try await running.ask(.GET, "/v1/stream/chat/1", ann).status == 200)
            #expect(try await running.ask(.GET, "/v1/stream/other", ann).status == 200)
            #expect(try await running.ask(.POST, "/v1/stream/chat/1", ann, body: "data: y\n\n").status == 204)
            let refused = try await running.ask(.POST, "/v1/stream/other", ann, body: "data: y\n\n")
            #expect(refused.status == 403)
            #expect(refused.body.contains("missing-right"))
            #expect(try await running.ask(.DELETE, "/v1/stream/chat/1", ann).status == 403)
            #expect(try await running.ask(.PUT, "/v1/stream/bob/1", [("Cookie", "a=b; user=bob")]).status == 201)
        }
    }

    @Test("Who is not known is 401, also where keys would be asked and there are none, and an error lets nobody in")
    func refusals() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(authorise: Self.authorise)) {
            running async throws in
            #expect(try await running.ask(.GET, "/v1/stream/x").body.contains("not-known"))
            #expect(try await running.ask(.GET, "/v1/streams").status == 401)
            let stranger = try await running.ask(.GET, "/v1/stream/x", [("Authorization", "Bearer eve")])
            #expect(stranger.status == 401)
            #expect(stranger.body.contains("no-key"))
            #expect(try await running.ask(.GET, "/v1/stream/x", [("Authorization", "Bearer broken")]).status == 500)
            #expect(try await running.ask(.GET, "/health").status == 200)
        }
    }

    @Test("A list shows what may be read, and nothing else")
    func list() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(authorise: Self.authorise)) {
            running async throws in
            for name in ["bob/1", "chat/1"] { _ = try await running.streams.create(name) }
            let list = try await running.ask(.GET, "/v1/streams", [("Cookie", "user=bob")])
            #expect(list.body.contains("bob/1"))
            #expect(!list.body.contains("chat/1"))
        }
    }

    @Test("Quotas hold for each caller that the program names, and not for what the program does itself")
    func quotas() async throws {
        let server = try EmbeddedServerTests.server({ $0.quotaStreams = 1 }, authorise: Self.authorise)
        try await RunningServer.with(server) { running async throws in
            for name in ["bob/1", "bob/2", "bob/3"] { _ = try await running.streams.create(name) }
            let bob = [("Cookie", "user=bob"), ("Content-Type", "text/plain")]
            #expect(try await running.ask(.PUT, "/v1/stream/bob/4", bob).status == 201)
            let refused = try await running.ask(.PUT, "/v1/stream/bob/5", bob)
            #expect(refused.status == 429)
            #expect(refused.body.contains("\"quota\":\"streams\",\"limit\":1"))
            #expect(try await running.ask(.DELETE, "/v1/stream/bob/1", bob).status == 204)
        }
    }

    @Test("A streaming body waits until it is known who sends it, and is then taken whole")
    func streamedBody() async throws {
        try await RunningServer.with(try EmbeddedServerTests.server(authorise: Self.authorise)) {
            running async throws in
            let stream = try await running.streams.create("chat/1", .init(contentType: "text/plain"))
            let words = AsyncStream<ByteBuffer> { continuation in
                for word in ["Hello ", "world"] { continuation.yield(ByteBuffer(string: word)) }
                continuation.finish()
            }
            let answer = try await running.open(
                .POST,
                "/v1/stream/chat/1",
                [("Authorization", "Bearer ann"), ("Content-Type", "text/plain")],
                body: .stream(words, length: .unknown)
            )
            #expect(answer.status == .noContent)
            #expect(try await stream.info()?.bytes == 11)
        }
    }
}
