import EventSource
import Locks
import NIOHTTP1
import ScriptedServer
import Testing

@testable import DurableStream

/// Over real sockets, with each transport that is compiled here.
@Suite(.timeLimit(.minutes(5))) struct TransportTests {
    enum UnderTest: CaseIterable, Sendable {
        case asyncHTTPClient
        #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
        case urlSession
        #endif

        var transport: (any EventSourceTransport)? {
            switch self {
            case .asyncHTTPClient: nil
            #if canImport(Darwin) || !AsyncHTTPClient || FRESHET_URL_SESSION
            case .urlSession: URLSessionTransport()
            #endif
            }
        }
    }

    @Test(arguments: UnderTest.allCases)
    func `A stream is created, written, described and read, although a body is torn`(transport: UnderTest) async throws
    {
        let reads = Mutex(0)
        let text = "wörds\r\n"
        let next = [("Stream-Next-Offset", "2"), ("Content-Type", "text/plain")]
        let closed = next + [("Stream-Closed", "true"), ("Stream-End-Reason", "done")]
        try await ScriptedServer.run { _, request in
            switch (request.method, request.uri) {
            case ("PUT", _): return .init(201, next)
            case ("POST", _): return .init(200, request.headers.contains(name: "Stream-Closed") ? closed : next)
            case ("HEAD", _): return .init(200, closed)
            case ("GET", "/s?limit=10000&offset=-1"):
                let isFirst = reads.withLock { reads in
                    reads += 1
                    return reads == 1
                }
                if isFirst { return .init(200, next, body: "wör", end: .abort) }
                return .init(200, next + [("Stream-Up-To-Date", "true")], body: text)
            case ("GET", "/s?live=long-poll&offset=2"): return .init(204, closed)
            default: return .init(400)
            }
        } _: { server in
            var configuration = DurableStream.Configuration(bearerToken: "secret")
            configuration.retryBase = .milliseconds(1)
            let stream = DurableStream(
                url: server.origin + "/s",
                configuration: configuration,
                transport: transport.transport
            )
            let producer = try stream.producer()
            try await producer.append(text)
            #expect(try await producer.end().reason == .done)
            #expect(try await stream.head().end == .init(reason: .done))
            var chunks: [DurableStream.Chunk] = []
            for try await chunk in stream.read() { chunks.append(chunk) }
            #expect(chunks.map(\.bytes) == [Array(text.utf8), []])
            #expect(chunks.last?.end == .init(reason: .done))

            let posts = server.requests.filter { $0.method == "POST" }
            #expect(posts.map(\.text) == [text, ""])
            #expect(posts.map { $0.headers.first(name: "Producer-Seq") } == ["0", "1"])
            #expect(server.requests.allSatisfy { $0.headers["Authorization"] == ["Bearer secret"] })
        }
    }

    @Test(arguments: UnderTest.allCases)
    func `Where no server is, that is told in its words`(transport: UnderTest) async throws {
        // A port that was just given back.
        let url = try await ScriptedServer.run { _, _ in
            .init(500)
        } _: { server in
            server.origin + "/s"
        }
        var configuration = DurableStream.Configuration()
        configuration.patience = .zero
        let stream = DurableStream(url: url, configuration: configuration, transport: transport.transport)
        await #expect {
            _ = try await stream.head()
        } throws: { error in
            (error as? DurableStreamError)?.code == .unreachable
        }
    }
}
