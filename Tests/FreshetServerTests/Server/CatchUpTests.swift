import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Catch-up reads", .timeLimit(.minutes(10)))
struct CatchUpTests {
    @Test(
        "show the bytes of each type",
        arguments: [
            ("text/plain", ["a", "\u{E9}\n"], "a\u{E9}\n"), ("application/octet-stream", ["a", "b"], "ab"),
            ("application/json", ["[1,[2]]", " {\"a\": 3} "], "[1,[2],{\"a\": 3}]"),
            ("application/x-ndjson", ["1\n2\n", "{\"a\":3}"], "1\n2\n{\"a\":3}\n"),
            (
                "text/event-stream", ["event: x\nid: 7\ndata: a\ndata: b\n\n", ": c\r\ndata:d\r\n\r\n"],
                "event: x\ndata: a\ndata: b\n\ndata: d\n\n"
            ),
        ] as [(String, [String], String)]
    )
    func views(type: String, bodies: [String], bytes: String) async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: \(type)")
            for body in bodies {
                #expect(try await server.ask("POST", "/v1/stream/a", "Content-Type: \(type)", body: body).status == 204)
            }
            let answer = try await server.ask("GET", "/v1/stream/a")
            #expect(answer.status == 200)
            #expect(answer.body == bytes)
            #expect(answer.header("Content-Type") == type)
            #expect(answer.header("Stream-Up-To-Date") == "true")
            #expect(answer.header("Cache-Control") == "private, no-cache")
            let head = try await server.ask("HEAD", "/v1/stream/a")
            #expect(head.header("Content-Type") == type)
            #expect(head.header("Stream-Next-Offset") == answer.header("Stream-Next-Offset"))
            #expect(head.header("Content-Length") == nil)
            #expect(head.header("Cache-Control") == "no-store")
        }
    }

    @Test("an ETag names exactly these bytes, until there are more or the stream ends")
    func tags() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            let first = try await server.ask("GET", "/v1/stream/a")
            let tag = try #require(first.header("ETag"))
            for given in [tag, "W/\(tag)", "\"other\", \(tag)", "*"] {
                let again = try await server.ask("GET", "/v1/stream/a", "If-None-Match: \(given)")
                #expect(again.status == 304)
                #expect(again.header("ETag") == tag)
                #expect(again.header("Vary") == "Accept, Origin")
            }
            #expect(try await server.ask("GET", "/v1/stream/a", "If-None-Match: \"other\"").status == 200)
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            let ended = try await server.ask("GET", "/v1/stream/a", "If-None-Match: \(tag)")
            #expect(ended.status == 200)
            #expect(ended.header("Stream-Closed") == "true")
            #expect(ended.header("ETag") != tag)
            let now = try await server.ask("GET", "/v1/stream/a?offset=now", "If-None-Match: *")
            #expect(now.status == 200)
            #expect(now.body == "")
            #expect(now.header("ETag") == nil)
            #expect(now.header("Cache-Control") == "no-store")
        }
    }

    @Test("a connection goes on after 204, 304, HEAD and errors")
    func keepAlive() async throws {
        try await TestServer.run { server in
            let client = try await server.connect()
            let type = ["Content-Type: text/plain"]
            #expect(try await client.request(server.request("PUT", "/v1/stream/a", type)).status == 201)
            #expect(try await client.request(server.request("POST", "/v1/stream/a", type, body: "x")).status == 204)
            #expect(try await client.request(server.request("HEAD", "/v1/stream/a")).status == 200)
            let tag = try #require(try await client.request(server.request("GET", "/v1/stream/a")).header("ETag"))
            let same = server.request("GET", "/v1/stream/a", ["If-None-Match: \(tag)"])
            #expect(try await client.request(same).status == 304)
            #expect(try await client.request(server.request("GET", "/v1/stream/none")).status == 404)
            #expect(try await client.request(server.request("HEAD", "/v1/stream/none")).status == 404)
            #expect(try await client.request(server.request("PATCH", "/v1/stream/a")).status == 405)
            let last = try await client.request(server.request("GET", "/v1/stream/a", ["Connection: close"]))
            #expect(last.body == "x")
            #expect(last.header("Connection") == "close")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("a stream that may be shared says so under its prefix only")
    func publicCache() async throws {
        try await TestServer.run({ $0.publicCache = ["pub/*"] }) {
            server in
            for name in ["pub/a", "a"] {
                try await server.ask("PUT", "/v1/stream/\(name)", "Content-Type: text/plain", body: "x")
            }
            let shared = try await server.ask("GET", "/v1/stream/pub/a")
            #expect(shared.header("Cache-Control") == "public, max-age=60, stale-while-revalidate=300")
            #expect(try await server.ask("GET", "/v1/stream/a").header("Cache-Control") == "private, no-cache")
        }
    }

    @Test("an offset is written as it was given, once")
    func positions() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            #expect(try await server.ask("GET", "/v1/stream/a?offset=\(server.offset(0))").body == "x")
            #expect(try await server.ask("GET", "/v1/stream/a?offset=\(server.offset(1))").body == "")
            #expect(try await server.ask("GET", "/v1/stream/a?offset=0000000000000000_0000000000000000").body == "x")
            for bad in ["", "1", "x", "-2", "\(server.offset(1))0"] {
                #expect(try await server.ask("GET", "/v1/stream/a?offset=\(bad)").status == 400)
            }
            #expect(try await server.ask("GET", "/v1/stream/a?offset=-1&offset=-1").status == 400)
        }
    }
}
