import Locks
import NIOCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A request that a function answers", .timeLimit(.minutes(10)))
struct ExchangeTests {
    /// A route of the test's own, at every path that begins with `/exchange`.
    private struct Route: RouteGroup {
        var bodyLimit: Int?
        var run: @Sendable (RequestBody, ResponseWriter) async throws -> Void

        func isPublic(_ request: RouteRequest) -> Bool { true }

        func plan(_ request: RouteRequest) -> RequestPlan? {
            guard request.target.rawPath.hasPrefix("/exchange") else { return nil }
            return .exchange(ExchangePlan(bodyLimit: bodyLimit, run))
        }
    }

    /// What a function and its test tell each other.
    private final class Note: Sendable {
        private let text = Mutex("")
        func write(_ value: String) { text.withLock { $0 += value } }
        var value: String { text.withLock(\.self) }
    }

    private struct Mistake: Error {}

    private func serve(
        bodyLimit: Int? = nil,
        configure: (inout ServerConfiguration) -> Void = { _ in },
        _ run: @escaping @Sendable (RequestBody, ResponseWriter) async throws -> Void,
        test: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(configure, routes: [Route(bodyLimit: bodyLimit, run: run)], test)
    }

    private func text(_ text: String) -> ByteBuffer { ByteBuffer(string: text) }

    @Test func `writes each part as it is made, and the connection goes on with the next request`() async throws {
        let release = Note()
        try await serve { _, writer in
            try await writer.head(200, [HeaderField("Content-Type", "text/plain")])
            try await writer.write(ByteBuffer(string: "one"))
            while release.value.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            try await writer.write(ByteBuffer(string: "two"))
        } test: { server in
            let client = try await server.connect()
            for _ in 0..<2 {
                try await client.send(server.request("GET", "/exchange"))
                let head = try await client.head()
                #expect(head.hasPrefix("HTTP/1.1 200 OK\r\n"))
                #expect(head.contains("Transfer-Encoding: chunked\r\n"))
                #expect(head.contains("X-Content-Type-Options: nosniff\r\n"))
                #expect(!head.contains("Connection: close"))
                #expect(try await client.chunk() == "one")
                release.write("go")
                #expect(try await client.chunks() == "two")
            }
            await client.close()
        }
    }

    @Test func `reads the body while it arrives, and responses meanwhile`() async throws {
        try await serve { body, writer in
            try await writer.head(200, [])
            for try await part in body { try await writer.write(part) }
            try await writer.write(ByteBuffer(string: "end"))
        } test: { server in
            let client = try await server.connect()
            try await client.send("POST /exchange HTTP/1.1\r\n\(server.host)Transfer-Encoding: chunked\r\n\r\n")
            _ = try await client.head()
            for word in ["a", "bc", "def"] {
                try await client.send("\(word.utf8.count)\r\n\(word)\r\n")
                #expect(try await client.chunk() == word)
            }
            try await client.send("0\r\n\r\n")
            #expect(try await client.chunks() == "end")
            await client.close()
        }
    }

    @Test func `reads a large body to its end, however slowly it is taken`() async throws {
        let size = 4 << 20
        try await serve { body, writer in
            var count = 0
            for try await part in body {
                count += part.readableBytes
                for _ in 0..<100 { await Task.yield() }
            }
            try await writer.respond(Response(200, body: Array("\(count)".utf8)))
        } test: { server in
            let answer = try await server.ask("POST", "/exchange", body: String(repeating: "x", count: size))
            #expect(answer.body == "\(size)")
        }
    }

    @Test func `gives a response of a known length its length, and keeps it`() async throws {
        try await serve { body, writer in
            let whole = try await body.collect(upTo: 100)
            try await writer.head(201, [], length: whole.readableBytes)
            try await writer.write(whole)
        } test: { server in
            let answer = try await server.ask("POST", "/exchange", body: "hello")
            #expect(answer.status == 201)
            #expect(answer.header("Content-Length") == "5")
            #expect(answer.body == "hello")
        }
    }

    @Test func `cuts a response that is not as long as it said`() async throws {
        try await serve { _, writer in
            try await writer.head(200, [], length: 10)
            try await writer.write(ByteBuffer(string: "short"))
        } test: { server in
            let client = try await server.connect()
            try await client.send(server.request("GET", "/exchange"))
            _ = try await client.head()
            #expect(try await client.readToEnd() == "short")
        }
    }

    @Test func `says 100 only when the body is wanted`() async throws {
        try await serve { body, writer in
            _ = try await body.collect(upTo: 100)
            try await writer.respond(Response(200))
        } test: { server in
            let client = try await server.connect()
            try await client.send(
                "POST /exchange HTTP/1.1\r\n\(server.host)Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            #expect(try await client.head().hasPrefix("HTTP/1.1 100 "))
            try await client.send("ab")
            #expect(try await client.head().hasPrefix("HTTP/1.1 200 "))
            await client.close()
        }
    }

    @Test func `answers early, without the body, and closes`() async throws {
        try await serve { _, writer in
            try await writer.respond(Response(403, body: Array("no".utf8)))
        } test: { server in
            let client = try await server.connect()
            try await client.send(
                "POST /exchange HTTP/1.1\r\n\(server.host)Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"
            )
            let answer = try await client.response()
            #expect(answer.status == 403)
            #expect(answer.header("Connection") == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test func `is a problem when it fails before the head, and torn when it fails after`() async throws {
        try await serve { body, writer in
            if try await body.collect(upTo: 10).readableBytes > 0 {
                try await writer.head(200, [])
                try await writer.write(ByteBuffer(string: "half"))
            }
            throw Mistake()
        } test: { server in
            let answer = try await server.ask("GET", "/exchange")
            #expect(answer.status == 500)
            #expect(answer.code == "internal-error")
            let client = try await server.connect()
            try await client.send(server.request("POST", "/exchange", body: "x"))
            _ = try await client.head()
            #expect(try await client.readToEnd() == "4\r\nhalf\r\n")
        }
    }

    @Test(arguments: [true, false])
    func `refuses a body that is too large`(isAnnounced: Bool) async throws {
        try await serve(bodyLimit: 4) { body, writer in
            for try await _ in body {}
            try await writer.respond(Response(200))
        } test: { server in
            let client = try await server.connect()
            let head = "POST /exchange HTTP/1.1\r\n\(server.host)"
            try await client.send(
                isAnnounced
                    ? head + "Content-Length: 5\r\n\r\nhello"
                    : head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            )
            let answer = try await client.response()
            #expect(answer.status == 413)
            await client.close()
        }
    }

    @Test(arguments: ["", "Content-Length: 10\r\n"])
    func `is cancelled when the peer leaves, without writing`(field: String) async throws {
        let note = Note()
        try await serve { body, writer in
            try await writer.head(200, [])
            note.write("began ")
            do {
                for try await _ in body {}
                try await Task.sleep(for: .seconds(600))
            } catch is CancellationError {
                note.write("cancelled")
            } catch ExchangeError.gone {
                note.write(Task.isCancelled ? "cancelled" : "gone")
            }
        } test: { server in
            let client = try await server.connect()
            try await client.send("POST /exchange HTTP/1.1\r\n\(server.host)\(field)\r\n")
            _ = try await client.head()
            await client.close()
            try await server.until("the function is cancelled") { note.value == "began cancelled" }
        }
    }

    @Test func `waits for a peer that takes nothing, and loses nothing`() async throws {
        let part = String(repeating: "0123456789abcdef", count: 4096)
        let written = Mutex(0)
        try await serve { _, writer in
            try await writer.head(200, [])
            for _ in 0..<400 {
                try await writer.write(ByteBuffer(string: part))
                written.withLock { $0 += 1 }
            }
        } test: { server in
            let client = try await server.connect()
            try await client.pause()
            try await client.send(server.request("GET", "/exchange"))
            // It stands still when two looks in a row, with a turn of the peer's between them, see the same number.
            var last = -1
            try await server.until("the writer waits") {
                let now = written.withLock(\.self)
                defer { last = now }
                _ = try await server.ask("GET", "/health")
                return now == last && now > 0
            }
            #expect(last < 400)
            try await client.resume()
            _ = try await client.head()
            var count = 0
            while let chunk = try await client.chunk() {
                #expect(chunk == part)
                count += 1
            }
            #expect(count == 400)
            await client.close()
        }
    }

    @Test func `ends with the connection for HTTP 1.0`() async throws {
        try await serve { _, writer in
            try await writer.head(200, [])
            try await writer.write(ByteBuffer(string: "plain"))
        } test: { server in
            let client = try await server.connect()
            try await client.send("GET /exchange HTTP/1.0\r\n\(server.host)\r\n")
            let head = try await client.head()
            #expect(head.hasPrefix("HTTP/1.0 200 "))
            #expect(!head.contains("Transfer-Encoding"))
            #expect(try await client.readToEnd() == "plain")
        }
    }

    @Test func `a HEAD gets no body`() async throws {
        try await serve { _, writer in
            try await writer.head(200, [])
            try await writer.write(ByteBuffer(string: "never seen"))
        } test: { server in
            let client = try await server.connect()
            try await client.send(server.request("HEAD", "/exchange"))
            #expect(try await client.response(toHead: true).status == 200)
            #expect(try await client.request(server.request("GET", "/health")).status == 200)
            await client.close()
        }
    }

    @Test func `a drain lets it finish`() async throws {
        let release = Note()
        try await serve { configuration in
            configuration.drainDeadline = .seconds(600)
        } _: { _, writer in
            try await writer.head(200, [])
            while release.value.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            try await writer.write(ByteBuffer(string: "whole"))
        } test: { server in
            let client = try await server.connect()
            try await client.send(server.request("GET", "/exchange"))
            _ = try await client.head()
            async let drained: Void = server.service.drain()
            try await server.until("the server drains") {
                try await server.ask("GET", "/health").status == 503
            }
            release.write("go")
            #expect(try await client.chunks() == "whole")
            await client.close()
            await drained
        }
    }

    @Test func `the deadline of a drain cuts what still writes, and answers what has not begun`() async throws {
        let atWork = Note()
        try await serve { configuration in
            configuration.drainDeadline = .milliseconds(200)
        } _: { body, writer in
            atWork.write("+")
            if try await body.collect(upTo: 10).readableBytes > 0 { try await writer.head(200, []) }
            try await Task.sleep(for: .seconds(600))
        } test: { server in
            let writing = try await server.connect()
            try await writing.send(server.request("POST", "/exchange", body: "x"))
            _ = try await writing.head()
            let silent = try await server.connect()
            try await silent.send(server.request("GET", "/exchange"))
            try await server.until("both are at work") { atWork.value == "++" }
            await server.service.drain()
            #expect(try await writing.readToEnd() == "")
            #expect(try await silent.response().status == 503)
        }
    }
}
