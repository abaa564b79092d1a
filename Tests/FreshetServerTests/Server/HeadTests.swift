import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Heads of requests, over the wire", .timeLimit(.minutes(10)))
struct HeadTests {
    private static let paths = [
        "/health", "/v1/stream/a", "/v1/streams", "/v1/session", "/metrics", "/v1/probe/time", "/none",
    ]
    private let keys = "all 0123456789abcdef all *\n"

    @Test(
        "every method and path is asked the same of its head",
        arguments: ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE"]
    )
    func everywhere(method: String) async throws {
        try await TestServer.run(keys: keys) { server in
            for path in Self.paths {
                for (fields, status) in [
                    ("", 400), ("Host: localhost\r\nHost: localhost\r\n", 400), ("Host: a b\r\n", 400),
                    ("Host:\r\n", 400),
                    ("Host: evil.example\r\n", 403),
                    ("Host: localhost\r\nStream-Closed: true\r\nstream-closed: true\r\n", 400),
                    ("Host: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n", 400),
                ] {
                    let client = try await server.connect()
                    let answer = try await client.request("\(method) \(path) HTTP/1.1\r\n\(fields)\r\n")
                    #expect(answer.status == status, "\(method) \(path) \(fields)")
                    await client.close()
                }
            }
        }
    }

    @Test("who asks for a full URL asks its authority, whatever Host says")
    func absolute() async throws {
        try await TestServer.run { server in
            func ask(_ target: String, host: String, _ fields: String = "", method: String = "GET") async throws
                -> RawClient.Response
            {
                let client = try await server.connect()
                defer { Task { await client.close() } }
                return try await client.request("\(method) \(target) HTTP/1.1\r\nHost: \(host)\r\n\(fields)\r\n")
            }
            #expect(try await ask("http://localhost/health", host: "evil.example").status == 200)
            #expect(try await ask("http://evil.example/health", host: "localhost").status == 403)
            #expect(try await ask("http://evil.example/health", host: "localhost", method: "OPTIONS").status == 403)
            #expect(try await ask("http://user@localhost/health", host: "localhost").status == 400)
            #expect(try await ask("ftp://localhost/health", host: "localhost").status == 400)
            #expect(try await ask("http://localhost:1/health", host: "a b").status == 400)
            // Where the stream is, and which pages are the server's own, follow it too.
            let made = try await ask("http://127.0.0.1:81/v1/stream/a", host: "localhost", method: "PUT")
            #expect(made.header("Location") == "http://127.0.0.1:81/v1/stream/a")
            let own = "Origin: http://127.0.0.1:81\r\n"
            #expect(
                try await ask("http://127.0.0.1:81/v1/stream/b", host: "localhost", own, method: "PUT").status == 201
            )
            #expect(try await ask("/v1/stream/c", host: "localhost", own, method: "PUT").status == 403)
            #expect(try await ask("*", host: "localhost", method: "OPTIONS").status == 204)
            #expect(try await ask("*", host: "localhost").status == 400)
        }
    }

    @Test("nothing is kept of a request that says twice what is said once")
    func twice() async throws {
        try await TestServer.run { server in
            let type = "Content-Type: text/plain"
            #expect(try await server.ask("PUT", "/v1/stream/a", type, body: "x").status == 201)
            for fields in [
                ["Stream-Closed: true", "Stream-Closed: true"], ["Stream-Closed: true, true"],
                ["Stream-Closed: true", "Stream-Closed: false"], [type], ["Producer-Id: a", "Producer-Id: a"],
                ["Stream-Producer: a", "stream-producer: b"], ["Stream-Cancel: true", "Stream-Cancel: true"],
            ] {
                let client = try await server.connect()
                let answer = try await client.request(
                    server.request("POST", "/v1/stream/a", [type] + fields, body: "more")
                )
                #expect(answer.status == 400, "\(fields)")
                await client.close()
            }
            for query in ["offset=-1&offset=now", "as=sse&as=sse", "live=sse&live=sse&offset=-1", "cursor=1&cursor=2"] {
                let answer = try await server.ask("GET", "/v1/stream/a?\(query)")
                #expect(answer.status == 400 && answer.code == "repeated-parameter", "\(query)")
            }
            #expect(try await server.ask("GET", "/v1/streams?prefix=a&prefix=b").status == 400)
            let kept = try await server.ask("GET", "/v1/stream/a")
            #expect(kept.body == "x")
            #expect(kept.header("Stream-Closed") == nil)
        }
    }

    @Test(
        "another protocol, or another version, is never served",
        arguments: [
            ("GET /health RTSP/1.0", 505), ("OPTIONS * RTSP/1.0", 505), ("GET /health RTSP/1.1", 505),
            ("GET /health RTSP/2.0", 505), ("SOURCE /health ICE/1.0", 505), ("GET /health ICE/1.0", 505),
            ("GET /health HTTP/0.9", 505), ("GET /health HTTP/1.2", 505), ("GET /health HTTP/2.0", 505),
            ("GET /health HTTP/3", 505), ("GET /health http/1.1", 400), ("GET /health HTTP/1.1x", 505),
            ("GET /health HTTP/01.1", 505), ("GET /health HTTPS/1.1", 400), ("GET /health", 505),
            ("PRI * HTTP/2.0", 505), ("DESCRIBE /health RTSP/1.0", 505), ("DESCRIBE /health HTTP/1.1", 400),
            ("CONNECT localhost:1 HTTP/1.1", 501),
        ]
    )
    func versions(line: String, status: Int) async throws {
        try await TestServer.run { server in
            for before in [false, true] {
                let client = try await server.connect()
                // Alone, and in one write behind a request that is answered.
                try await client.send(
                    (before ? server.request("GET", "/health") : "") + "\(line)\r\nHost: localhost\r\n\r\n"
                )
                if before { #expect(try await client.response().status == 200) }
                #expect(try await client.response().status == status)
                await client.close()
            }
        }
    }
}
