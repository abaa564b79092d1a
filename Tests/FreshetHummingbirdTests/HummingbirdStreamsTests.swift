import AsyncHTTPClient
import EventSource
import Freshet
import FreshetHummingbird
import Hummingbird
import NIOCore
import NIOHTTP1
import ServerSentEvents
import ServiceLifecycle
import Testing

@Suite("Streams inside a Hummingbird application", .timeLimit(.minutes(10)))
struct HummingbirdStreamsTests {
    /// What is asked of both servers, in this order.
    private static let script: [(method: String, path: String, headers: [(String, String)], body: String?)] = [
        ("PUT", "/v1/stream/a", [("Content-Type", "text/event-stream")], nil),
        ("PUT", "/v1/stream/a", [("Content-Type", "text/plain")], nil),
        ("POST", "/v1/stream/a", [("Content-Type", "text/event-stream")], "data: one\n\nevent: x\ndata: two\n\n"),
        ("POST", "/v1/stream/a", [("Content-Type", "text/plain")], "wrong type"),
        ("POST", "/v1/stream/a", [("Content-Type", "text/event-stream")], "data: unfinished"),
        ("GET", "/v1/stream/a", [], nil),
        ("GET", "/v1/stream/a?offset=now", [], nil),
        ("GET", "/v1/stream/a?offset=nonsense", [], nil),
        ("GET", "/v1/stream/nothing", [], nil),
        ("GET", "/v1/stream/a%2F%2Fb", [], nil),
        ("POST", "/v1/stream/a", [("Origin", "https://evil.example")], "x"),
        ("GET", "/v1/stream/a", [("Origin", "https://app.example")], nil),
        ("OPTIONS", "/v1/stream/a", [("Origin", "https://app.example")], nil),
        ("POST", "/v1/stream/a", [("Stream-Lease", "1"), ("stream-lease", "1")], nil),
        ("OPTIONS", "/v1/stream/a", [("Stream-Closed", "true"), ("Stream-Closed", "true")], nil),
        ("GET", "/v1/stream/a?offset=-1&offset=now", [], nil),
        ("POST", "/v1/stream/a", [("Stream-Closed", "true"), ("Stream-End-Reason", "failed")], nil),
        ("GET", "/v1/stream/a?as=sse", [], nil),
        ("GET", "/v1/stream/a?as=ndjson", [], nil),
        ("GET", "/v1/stream/a?live=sse&offset=-1", [], nil),
        ("GET", "/v1/stream/a?live=long-poll&offset=-1", [], nil),
        ("POST", "/v1/stream/a", [("Stream-Cancel", "true")], nil),
        ("GET", "/v1/streams", [], nil),
        ("DELETE", "/v1/stream/a", [], nil),
        ("DELETE", "/v1/stream/a", [], nil),
    ]

    /// What of a response does not depend on when it was made, and by whom.
    private struct Observed: Equatable {
        var status: UInt
        var headers: [String: String]
        var body: String

        init(_ response: HTTPClientResponse) async throws {
            status = response.status.code
            let own = ["date", "connection", "transfer-encoding", "content-length", "location"]
            headers = [:]
            for (name, value) in response.headers where !own.contains(name.lowercased()) {
                headers[name.lowercased()] = Self.withoutOffsets(value)
            }
            body = Self.withoutOffsets(String(buffer: try await response.body.collect(upTo: 1 << 20)))
        }

        /// Offsets and times are never the same twice.
        private static func withoutOffsets(_ text: String) -> String {
            text.replacing(/0[0-9A-Z_a-z~]{11}/, with: "OFFSET").replacing(/cursor":"\d+"/, with: "CURSOR")
                .replacing(/^\d{6,}$/, with: "CURSOR")
                .replacing(/(?:created|updated)":"[^"]*"/, with: "TIME")
        }
    }

    private func ask(_ url: String, _ index: Int) async throws -> Observed {
        let step = Self.script[index]
        var request = HTTPClientRequest(url: url + step.path)
        request.method = HTTPMethod(rawValue: step.method)
        for (name, value) in step.headers { request.headers.add(name: name, value: value) }
        if let body = step.body { request.body = .bytes(ByteBuffer(string: body)) }
        return try await Observed(HTTPClient.shared.execute(request, timeout: .seconds(120)))
    }

    @Test("Every response is that of Freshet's own server: status, header fields and body")
    func sameAnswers() async throws {
        var configuration = EmbeddedServer.Configuration(port: 0)
        configuration.allowedOrigins = ["https://app.example"]
        let server = try EmbeddedServer(configuration: configuration)
        let running = Task { try await server.run() }
        let own = try await server.listening().description
        try await RunningApp.with { app async throws in
            for index in Self.script.indices {
                let expected = try await ask(own, index)
                let found = try await ask(app.url, index)
                #expect(found == expected, "\(Self.script[index])")
            }
        }
        running.cancel()
        try await running.value
    }

    @Test("The application's own routes and middleware are where they were, and streams are behind the middleware")
    func middleware() async throws {
        struct Mark: RouterMiddleware {
            func handle(
                _ request: Request,
                context: BasicRequestContext,
                next: @concurrent (Request, BasicRequestContext) async throws -> Response
            ) async throws -> Response {
                var response = try await next(request, context)
                response.headers[.server] = "marked"
                return response
            }
        }
        try await RunningApp.with(middleware: Mark()) { app async throws in
            for path in ["/own", "/v1/streams"] {
                let answer = try await HTTPClient.shared.execute(.init(url: app.url + path), timeout: .seconds(120))
                #expect(answer.status == .ok)
                #expect(answer.headers["server"] == ["marked"])
            }
        }
    }

    @Test("The application decides who may")
    func access() async throws {
        try await RunningApp.with(authorise: { request, _ in
            guard let user = request.headers[.authorization] else { throw HTTPError(.unauthorized) }
            return user == "reader" ? .allow("reader", [.init(.read)]) : .undecided
        }) { app async throws in
            func status(_ method: String, _ user: String?) async throws -> UInt {
                var request = HTTPClientRequest(url: app.url + "/v1/stream/a")
                request.method = HTTPMethod(rawValue: method)
                if let user { request.headers.add(name: "Authorization", value: user) }
                return try await HTTPClient.shared.execute(request, timeout: .seconds(120)).status.code
            }
            _ = try await app.streams.create("a")
            #expect(try await status("GET", "reader") == 200)
            #expect(try await status("DELETE", "reader") == 403)
            #expect(try await status("GET", "stranger") == 401)
            #expect(try await status("GET", nil) == 401)
        }
    }

    @Test("A reader resumes with the last id it saw, over a connection that broke")
    func resume() async throws {
        try await RunningApp.with { app async throws in
            let stream = try await app.streams.create("a")
            try await stream.append("one")
            let first = try await app.send("GET /v1/stream/a?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .read(until: "data: one\n\n")
            #expect(first.contains("X-Accel-Buffering: no"))
            #expect(first.contains(": ok\n\n"))
            let id = try #require(first.firstMatch(of: /id: (\S+)/)?.1)
            try await stream.append("two")
            try await stream.end()
            let rest = try await app.send(
                "GET /v1/stream/a?as=sse HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: \(id)\r\nConnection: close\r\n\r\n"
            ).read()
            #expect(!rest.contains("data: one"))
            #expect(rest.contains("data: two"))
            #expect(rest.contains(#"data: {"reason":"done"}"#))
            #expect(rest.hasSuffix("0\r\n\r\n"))
        }
    }

    @Test("A quiet reader gets heartbeats")
    func heartbeat() async throws {
        try await RunningApp.with(heartbeat: .milliseconds(50)) { app async throws in
            _ = try await app.streams.create("a")
            let text = try await app.send("GET /v1/stream/a?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
                .read(until: "2\r\n:\n\r\n2\r\n:\n\r\n")
            #expect(text.contains(": ok"))
        }
    }

    @Test("A reader that leaves is noticed without a write, and so is a long-poll")
    func disconnect() async throws {
        // No heartbeat comes within the time of this test.
        try await RunningApp.with(heartbeat: .seconds(3600)) { app async throws in
            let stream = try await app.streams.create("a")
            for query in ["as=sse", "live=long-poll&offset=now"] {
                let connection = try await app.send("GET /v1/stream/a?\(query) HTTP/1.1\r\nHost: localhost\r\n\r\n")
                while try await stream.info()?.readers != 1 { try await Task.sleep(for: .milliseconds(5)) }
                if query == "as=sse" {
                    _ = try await connection.read(until: ": ok")
                } else {
                    try await connection.close()
                }
                while try await stream.info()?.readers != 0 { try await Task.sleep(for: .milliseconds(5)) }
            }
        }
    }

    @Test(
        "A response that ends the connection says so: the next request is not sent into nothing",
        arguments: ["?as=sse", "?offset=-1&live=sse", "?offset=now&live=long-poll"]
    )
    func lastResponse(query: String) async throws {
        try await RunningApp.with { app async throws in
            let stream = try await app.streams.create("a")
            try await stream.append("x")
            let reader = try await app.send("GET /v1/stream/a\(query) HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while try app.readers(of: "a") != 1 { await Task.yield() }
            try await stream.end()
            let answer = try await reader.read()
            #expect(answer.hasPrefix("HTTP/1.1 20"))
            #expect(answer.lowercased().contains("\r\nconnection: close\r\n"))
        }
    }

    @Test("A reader that waits for a stream keeps its place, and one whose response a middleware drops does not")
    func heldPlaces() async throws {
        struct Drop: RouterMiddleware {
            func handle(
                _ request: Request,
                context: BasicRequestContext,
                next: @concurrent (Request, BasicRequestContext) async throws -> Response
            ) async throws -> Response {
                let response = try await next(request, context)
                return request.headers[.userAgent] == "dropped" ? Response(status: .noContent) : response
            }
        }
        try await RunningApp.with(heldReaders: 1, middleware: Drop()) { app async throws in
            for _ in 0..<3 {
                _ = try await app.send(
                    "GET /v1/stream/none?as=sse HTTP/1.1\r\nHost: localhost\r\nUser-Agent: dropped\r\n"
                        + "Connection: close\r\n\r\n"
                ).read()
                try await app.settle()
            }
            let waiting = try await app.send("GET /v1/stream/none?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while try app.readers(of: "none") != 1 { await Task.yield() }
            let second = try await app.send("GET /v1/stream/none?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n").read(
                until: "event: reconnect"
            )
            #expect(second.contains("overloaded"))
            try await app.streams.create("none").append("there")
            #expect(try await waiting.read(until: "data: there").contains("data: there"))
        }
    }

    @Test("A streaming body is appended while it arrives, and a cancel answers it at once")
    func streamedBody() async throws {
        try await RunningApp.with { app async throws in
            let stream = try await app.streams.create("a", .init(contentType: "text/plain"))
            let connection = try await app.send(
                "POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
            )
            var updates = stream.events().makeAsyncIterator()
            guard case .event(let event)? = try await updates.next() else {
                Issue.record("no event came")
                return
            }
            #expect(event.text == "Hello")
            #expect(try await stream.info()?.producers == 1)
            try await stream.cancel()
            let answer = try await connection.read(until: "stream-ended")
            #expect(answer.hasPrefix("HTTP/1.1 409"))
            #expect(answer.contains("Stream-End-Reason: cancelled"))
        }
    }

    @Test("A streaming body that is torn leaves what was whole, and a lease")
    func tornBody() async throws {
        try await RunningApp.with { app async throws in
            let stream = try await app.streams.create("a", .init(contentType: "text/plain"))
            let connection = try await app.send(
                "POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
            )
            while try await stream.info()?.bytes != 5 { try await Task.sleep(for: .milliseconds(5)) }
            try await connection.close()
            while try await stream.info()?.leaseRemaining == nil { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await stream.info()?.end == nil)
        }
    }

    @Test("A slow reader holds little, delays nobody, and gets everything")
    func slowReader() async throws {
        try await RunningApp.with { app async throws in
            let stream = try await app.streams.create("a")
            let slow = try await app.send("GET /v1/stream/a?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while try await stream.info()?.readers != 1 { try await Task.sleep(for: .milliseconds(5)) }
            let block = String(repeating: "x", count: 10_000)
            for _ in 0..<600 { try await stream.append(block) }
            try await stream.end()
            let text = try await slow.read(until: "event: end")
            #expect(text.utf8.split(separator: UInt8(ascii: "\n")).count { $0.starts(with: "data: x".utf8) } == 600)
        }
    }

    @Test(
        "A shutdown asks readers of idle streams to come back, and lets those of a stream that is written read to its end"
    )
    func drain() async throws {
        // The deadline is no part of this.
        try await RunningApp.with(drainDeadline: .seconds(600)) { app async throws in
            let idle = try await app.streams.create("idle")
            let busy = try await app.streams.create("busy")
            let (mayEnd, end) = AsyncStream.makeStream(of: Void.self)
            async let producing = busy.produce { producer in
                for await _ in mayEnd {}
                try await producer.append("last word")
            }
            while try await busy.info()?.producers != 1 { try await Task.sleep(for: .milliseconds(5)) }
            let idleReader = try await app.send("GET /v1/stream/idle?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            let busyReader = try await app.send("GET /v1/stream/busy?as=sse HTTP/1.1\r\nHost: localhost\r\n\r\n")
            while try await idle.info()?.readers != 1 { try await Task.sleep(for: .milliseconds(5)) }
            while try await busy.info()?.readers != 1 { try await Task.sleep(for: .milliseconds(5)) }
            await app.stop()
            #expect(try await idleReader.read().contains("event: reconnect"))
            #expect(try await busy.info()?.readers == 1)
            end.finish()
            let text = try await busyReader.read()
            #expect(text.contains("data: last word"))
            #expect(text.contains(#"data: {"reason":"done"}"#))
            #expect(try await producing.reason == .done)
        }
    }

    @Test("At the deadline of a shutdown everybody goes, producers too")
    func deadline() async throws {
        try await RunningApp.with(drainDeadline: .milliseconds(200)) { app async throws in
            _ = try await app.streams.create("a", .init(contentType: "text/plain"))
            let producer = try await app.send(
                "POST /v1/stream/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/plain\r\n"
                    + "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n"
            )
            while try await app.streams.stream("a").info()?.bytes != 5 { try await Task.sleep(for: .milliseconds(5)) }
            await app.stop()
            #expect(try await producer.read(until: "draining").hasPrefix("HTTP/1.1 503"))
        }
    }
}
