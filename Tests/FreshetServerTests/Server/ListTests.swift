import Foundation
import StoreSuite
import StreamCore
import StreamHTTP
import Testing
import TextCodecs

@testable import FreshetServer

@Suite("Lists, by right", .timeLimit(.minutes(10)))
struct ListTests {
    private let keys = """
        all 0123456789abcdef all *
        pub fedcba9876543210 read pub/
        ends 00000000fedcba98 read pub/ team/z zoo
        writes 1111111111111111 create,append,end,cancel,delete *
        pub fedcba9876543210 create fork/
        """
    private let all = "Authorization: Bearer 0123456789abcdef"
    private let pub = "Authorization: Bearer fedcba9876543210"
    private let ends = "Authorization: Bearer 00000000fedcba98"
    private let writes = "Authorization: Bearer 1111111111111111"

    private struct Page: Decodable {
        struct Stream: Decodable {
            var name: String
            var forkedFrom: String?
        }
        var streams: [Stream]
        var next: String?
    }

    private func page(_ server: TestServer, _ query: String, _ key: String) async throws -> Page {
        let answer = try await server.ask("GET", "/v1/streams\(query)", key)
        #expect(answer.status == 200)
        return try JSONDecoder().decode(Page.self, from: Data(answer.body.utf8))
    }

    private func create(_ names: [String], in server: TestServer) async throws {
        for name in names {
            _ = try await server.streams.create(StreamName(name), CreateRequest(options: StreamOptions()))
        }
    }

    @Test("no page, and no cursor, names a stream that the key may not read")
    func cursors() async throws {
        try await TestServer.run(keys: keys) { server in
            let secret = (0..<2500).map { "secret/customer-\(10_000 + $0)" }
            try await create(["pub/a", "pub/b", "team/zebra", "__freshet/memory", "zoo"] + secret, in: server)
            #expect(try await page(server, "", pub).streams.map(\.name) == ["pub/a", "pub/b"])
            #expect(try await page(server, "", pub).next == nil)
            // One full page of secrets, more of them, and a cursor among them: each tells nothing.
            for query in ["?prefix=secret/", "?prefix=s", "?cursor=secret/customer-10500", "?prefix=secret/&cursor=a"] {
                let found = try await page(server, query, pub)
                #expect(found.streams.isEmpty && found.next == nil, "\(query)")
            }
            #expect(try await page(server, "?cursor=pub/a", pub).streams.map(\.name) == ["pub/b"])
            #expect(try await page(server, "", ends).streams.map(\.name) == ["pub/a", "pub/b", "team/zebra", "zoo"])
            #expect(
                try await page(server, "?cursor=secret/customer-10500", ends).streams.map(\.name) == [
                    "team/zebra", "zoo",
                ]
            )
            #expect(try await page(server, "?prefix=z", ends).streams.map(\.name) == ["zoo"])
            // Who may do everything but read sees nothing; who may read everything sees all but the server's own.
            #expect(try await page(server, "", writes).streams.isEmpty)
            var names: [String] = []
            var cursor: String?
            repeat {
                let found = try await page(server, cursor.map { "?cursor=\($0)" } ?? "", all)
                names += found.streams.map(\.name)
                cursor = found.next
                #expect(cursor == nil || cursor == names.last)
            } while cursor != nil
            #expect(names == (["pub/a", "pub/b", "team/zebra", "zoo"] + secret).sorted())
        }
    }

    @Test("a key's own streams fill its pages, however many others lie between")
    func pages() async throws {
        try await TestServer.run(keys: keys) { server in
            let mine = (0..<1500).map { "pub/\(10_000 + $0)" }
            try await create(mine + (0..<1200).map { "other/\($0)" } + ["zoo/1", "zoo/2"], in: server)
            let first = try await page(server, "", ends)
            #expect(first.streams.map(\.name) == Array(mine.prefix(1000)))
            #expect(first.next == mine[999])
            let second = try await page(server, "?cursor=\(mine[999])", ends)
            #expect(second.streams.map(\.name) == Array(mine.dropFirst(1000)) + ["zoo/1", "zoo/2"])
            #expect(second.next == nil)
        }
    }

    @Test("a fork's source is named only to who may read it, and asked for by nobody else")
    func forks() async throws {
        let gate = StoreGate()
        try await TestServer.run(keys: keys, gate: gate) { server in
            try await create(["secret/a", "pub/source"], in: server)
            for (fork, source) in [("pub/one", "secret/a"), ("pub/two", "pub/source")] {
                let answer = try await server.ask(
                    "PUT",
                    "/v1/stream/\(fork)",
                    all,
                    "Stream-Forked-From: /v1/stream/\(source)"
                )
                #expect(answer.status == 201)
            }
            func sources(_ key: String) async throws -> [String: String?] {
                let listed = try await page(server, "?prefix=pub/", key).streams
                for stream in listed {
                    let one = try await server.ask("GET", "/v1/streams/\(stream.name)", key)
                    let decoded = try JSONDecoder().decode(Page.Stream.self, from: Data(one.body.utf8))
                    #expect(decoded.forkedFrom == stream.forkedFrom)
                }
                return Dictionary(uniqueKeysWithValues: listed.map { ($0.name, $0.forkedFrom) })
            }
            #expect(try await sources(all) == ["pub/one": "secret/a", "pub/two": "pub/source", "pub/source": nil])
            #expect(try await sources(pub) == ["pub/one": nil, "pub/two": "pub/source", "pub/source": nil])
            // Whether the source exists, was deleted or never was: one response.
            try await server.ask("DELETE", "/v1/stream/secret/a", all)
            var bodies: Set<String> = []
            for source in ["secret/a", "secret/b"] {
                gate.forget()
                let answer = try await server.ask(
                    "PUT",
                    "/v1/stream/fork/\(source.suffix(1))",
                    pub,
                    "Stream-Forked-From: /v1/stream/\(source)"
                )
                #expect(answer.status == 403)
                #expect(gate.asked == [])
                bodies.insert(answer.body.replacing(source, with: ""))
            }
            #expect(try await server.ask("HEAD", "/v1/stream/pub/one", pub).head.contains("secret") == false)
            #expect(bodies.count == 1)
        }
    }

    /// The store is not asked at all, so that the time of the answer tells nothing either.
    @Test("without a right on a name every method answers the same and asks nothing, whether there is a stream or not")
    func existence() async throws {
        let gate = StoreGate()
        try await TestServer.run(keys: keys, gate: gate) { server in
            try await create(["secret/there", "secret/ended"], in: server)
            try await server.ask("POST", "/v1/stream/secret/ended", all, "Stream-Closed: true")
            // The control: whoever has the right asks.
            for (method, path) in [("GET", "stream"), ("HEAD", "stream"), ("GET", "streams"), ("PUT", "stream")] {
                gate.forget()
                try await server.ask(method, "/v1/\(path)/secret/ended", all)
                #expect(!gate.asked.isEmpty, "\(method) \(path)")
            }
            let requests: [(String, String, [String], String?)] = [
                ("GET", "stream", [], nil), ("HEAD", "stream", [], nil), ("DELETE", "stream", [], nil),
                ("GET", "stream", ["Accept: text/event-stream"], nil), ("GET", "streams", [], nil),
                ("HEAD", "streams", [], nil), ("PUT", "stream", [], nil),
                ("PUT", "stream", ["Content-Type: text/plain"], "x"),
                ("POST", "stream", ["Content-Type: text/plain"], "x"), ("POST", "stream", ["Stream-Closed: true"], nil),
                ("POST", "stream", ["Stream-Cancel: true"], nil), ("POST", "stream", ["Stream-Lease: 5"], nil),
                ("POST", "stream", ["Content-Type: text/event-stream", "Expect: 100-continue"], "data: x\n\n"),
            ]
            for (method, path, fields, body) in requests {
                var answers: Set<String> = []
                for name in ["there", "ended", "gone!"] {
                    gate.forget()
                    let client = try await server.connect()
                    let answer = try await client.request(
                        server.request(method, "/v1/\(path)/secret/\(name)", [pub] + fields, body: body)
                    )
                    #expect(answer.status == 403, "\(method) \(fields)")
                    #expect(gate.asked == [], "\(method) \(path) \(fields), \(name)")
                    let head = answer.head.split(separator: "\r\n").filter {
                        !$0.hasPrefix("Date:") && !$0.hasPrefix("Content-Length:")
                    }
                    answers.insert(head.joined(separator: "\n") + answer.body.replacing(name, with: "NAME"))
                    await client.close()
                }
                #expect(answers.count == 1, "\(method) \(fields): \(answers)")
            }
        }
    }

    @Test("while a server goes away, only a writer learns whether a stream is being written")
    func draining() async throws {
        try await TestServer.run(keys: keys) { server in
            try await create(["secret/live", "secret/idle"], in: server)
            let producer = try await server.connect()
            try await producer.send(
                server.request(
                    "POST",
                    "/v1/stream/secret/live",
                    [all, "Content-Type: text/event-stream", "Transfer-Encoding: chunked"]
                ) + "9\r\ndata: x\n\n\r\n"
            )
            try await server.until("the producer is at work") {
                try await server.streams.info(StreamName("secret/live"))?.events == 1
            }
            await server.service.server.loops.beginDraining()
            for name in ["live", "idle"] {
                let type = "Content-Type: text/event-stream"
                let answer = try await server.ask("POST", "/v1/stream/secret/\(name)", pub, type, body: "data: x\n\n")
                #expect(answer.status == 403)
            }
            #expect(try await server.ask("POST", "/v1/stream/secret/idle", all, "Stream-Lease: 5").status == 503)
            await producer.close()
        }
    }

    @Test("names and details are shown to a terminal without what could drive it")
    func escapes() async throws {
        try await TestServer.run { server in
            let name = "a\u{202E}txt\u{2066}"
            let path = PercentEncoding.encode(name, keeping: .path)
            let missing = try await server.ask("GET", "/v1/stream/\(path)")
            #expect(missing.status == 404)
            #expect(missing.body.contains("a\\u202etxt\\u2066"))
            try await server.ask("PUT", "/v1/stream/\(path)", "Stream-Closed: true", "Stream-End-Detail: x\u{9B}2J")
            for target in ["/v1/streams", "/v1/streams/\(path)"] {
                let answer = try await server.ask("GET", target)
                #expect(answer.body.contains("a\\u202etxt\\u2066"))
                #expect(answer.body.contains("x\\u009b2J"))
                #expect(!answer.body.unicodeScalars.contains { $0.value == 0x202E || $0.value == 0x9B })
            }
        }
    }
}
