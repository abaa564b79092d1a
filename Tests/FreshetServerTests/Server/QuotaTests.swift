import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

@Suite("A key that is at a quota", .timeLimit(.minutes(10)))
struct QuotaTests {
    private let text = "Content-Type: text/plain"
    private let a = "Authorization: Bearer 0123456789abcdef"
    private let b = "Authorization: Bearer fedcba9876543210"
    private let keys = "a 0123456789abcdef all *\nb fedcba9876543210 all *\n"

    private func expect(_ response: RawClient.Response, _ quota: Quota, _ limit: Int, retryAfter: String) {
        #expect(response.status == 429 && response.code == "over-quota", "\(response)")
        #expect(response.body.contains("\"quota\":\"\(quota.rawValue)\",\"limit\":\(limit)}"), "\(response)")
        #expect(response.body.contains("`\(quota.setting)`"))
        #expect(response.header("Retry-After") == retryAfter)
    }

    private func refused(_ server: TestServer) async throws -> [String] {
        try await server.ask("GET", "/metrics", b).body.split(separator: "\n")
            .filter { $0.hasPrefix("freshet_quota_refused_total{") }.map { String($0.dropFirst(27)) }
    }

    @Test("may send so many requests a second; what ends something is never refused, and others are not affected")
    func requests() async throws {
        try await TestServer.run({ $0.quotaRequests = 2 }, keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, a)
            try await server.ask("PUT", "/v1/stream/b", text, a)
            try await server.ask("PUT", "/v1/stream/c", text, a)
            #expect(try await server.ask("GET", "/v1/stream/a", a).status == 200)
            expect(try await server.ask("GET", "/v1/stream/a", a), .requests, 2, retryAfter: "1")
            expect(try await server.ask("POST", "/v1/stream/a", text, a, body: "x"), .requests, 2, retryAfter: "1")
            expect(try await server.ask("GET", "/v1/streams", a), .requests, 2, retryAfter: "1")
            expect(try await server.ask("POST", "/v1/session", a), .requests, 2, retryAfter: "1")
            let native = try await server.ask("GET", "/v1/stream/a?as=sse", a)
            #expect(native.status == 200 && native.body.contains("data: {\"why\":\"overloaded\"}"))
            expect(try await server.ask("GET", "/v1/stream/a?as=plain", a), .requests, 2, retryAfter: "1")
            #expect(try await server.ask("POST", "/v1/stream/a", a, "Stream-Closed: true").status == 204)
            #expect(try await server.ask("POST", "/v1/stream/b", a, "Stream-Cancel: true").status == 204)
            #expect(try await server.ask("DELETE", "/v1/stream/c", a).status == 204)
            #expect(try await server.ask("GET", "/health").status == 200)
            #expect(try await server.ask("OPTIONS", "/v1/stream/a").status == 204)
            // Ending with a body appends it.
            let last = try await server.ask("POST", "/v1/stream/b", text, a, "Stream-Closed: true", body: "x")
            expect(last, .requests, 2, retryAfter: "1")
            #expect(try await server.ask("GET", "/v1/stream/a", b).status == 200)
            server.time.advance(by: .milliseconds(500))
            #expect(try await server.ask("GET", "/v1/stream/a", a).status == 200)
            expect(try await server.ask("GET", "/v1/stream/a", a), .requests, 2, retryAfter: "1")
            #expect(
                try await refused(server) == [
                    "{quota=\"requests\"} 8", "{quota=\"readers\"} 0", "{quota=\"producers\"} 0",
                    "{quota=\"streams\"} 0", "{quota=\"bytes\"} 0",
                ]
            )
        }
    }

    @Test("may have so many reads open; a session counts for its key, and a reader that leaves makes room")
    func readers() async throws {
        try await TestServer.run({ $0.quotaReaders = 2 }, keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, a)
            let session = try await server.ask("POST", "/v1/session", a)
            let cookie = "Cookie: \(try #require(session.header("Set-Cookie")).prefix { $0 != ";" })"
            let first = try await server.reader("/v1/stream/a", a)
            let second = try await server.reader("/v1/stream/a?as=plain", cookie)
            let farewell = try await server.ask("GET", "/v1/stream/a", cookie, "Accept: text/event-stream")
            #expect(farewell.status == 200)
            #expect(farewell.body.contains("event: reconnect\nretry: "))
            #expect(farewell.body.contains("data: {\"why\":\"overloaded\"}"))
            for form in ["as=plain", "live=sse&offset=-1", "live=long-poll&offset=now"] {
                expect(try await server.ask("GET", "/v1/stream/a?\(form)", a), .readers, 2, retryAfter: "5")
            }
            // What is there now can be read.
            #expect(try await server.ask("GET", "/v1/stream/a", a).status == 200)
            let other = try await server.reader("/v1/stream/a", b)
            await first.close()
            try await server.until("it has left") { server.streams.attendance(of: .known("a")).readers == 2 }
            let third = try await server.connect()
            try await third.send(server.request("GET", "/v1/stream/a?live=long-poll&offset=now", [a]))
            try await server.until("it waits") { server.streams.attendance(of: .known("a")).readers == 3 }
            expect(try await server.ask("GET", "/v1/stream/a?as=plain", a), .readers, 2, retryAfter: "5")
            // A long-poll that is answered makes room, though its connection stays.
            try await server.ask("POST", "/v1/stream/a", text, b, body: "x")
            #expect(try await third.response().status == 200)
            let fourth = try await server.reader("/v1/stream/a", a)
            #expect(try await refused(server)[1] == "{quota=\"readers\"} 5")
            for client in [second, third, fourth, other] { await client.close() }
        }
    }

    @Test("may have so many streaming appends open; one that ends or is cut makes room")
    func producers() async throws {
        try await TestServer.run({ $0.quotaProducers = 1 }, keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, a)
            func begin(_ key: String) async throws -> RawClient {
                let client = try await server.connect()
                let request = server.request("POST", "/v1/stream/a", [text, key, "Transfer-Encoding: chunked"])
                try await client.send(request + "1\r\nx\r\n")
                return client
            }
            func open() -> Int { server.streams.attendance(of: .known("a")).openProducers }
            let first = try await begin(a)
            try await server.until("it is open") { open() == 1 }
            let second = try await begin(a)
            expect(try await second.response(), .producers, 1, retryAfter: "5")
            // An atomic append is none.
            #expect(try await server.ask("POST", "/v1/stream/a", text, a, body: "y").status == 204)
            let other = try await begin(b)
            try await server.until("the other key's is open") { open() == 2 }
            try await first.send("0\r\n\r\n")
            #expect(try await first.response().status == 204)
            let third = try await begin(a)
            try await server.until("there is room again") { open() == 2 }
            try await third.reset()
            try await server.until("it is gone") { open() == 1 }
            let fourth = try await begin(a)
            try await server.until("there is room after that too") { open() == 2 }
            #expect(try await refused(server)[2] == "{quota=\"producers\"} 1")
            for client in [second, fourth, other] { await client.close() }
        }
    }

    @Test("may create so many streams an hour; one that is there costs nothing, whichever way it was asked for")
    func streams() async throws {
        let configure: (inout ServerConfiguration) -> Void = {
            $0.quotaStreams = 2
            $0.createOnPost = ["posted"]
        }
        try await TestServer.run(configure, keys: keys) { server in
            #expect(try await server.ask("PUT", "/v1/stream/a", text, a).status == 201)
            #expect(try await server.ask("PUT", "/v1/stream/a", text, a).status == 200)
            #expect(try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/html", a).status == 409)
            #expect(try await server.ask("POST", "/v1/stream/posted1", text, a, body: "x").status == 204)
            expect(try await server.ask("PUT", "/v1/stream/b", text, a), .streams, 2, retryAfter: "1800")
            expect(
                try await server.ask("POST", "/v1/stream/posted2", text, a, body: "x"),
                .streams,
                2,
                retryAfter: "1800"
            )
            let client = try await server.connect()
            let head = [text, a, "Transfer-Encoding: chunked"]
            try await client.send(server.request("POST", "/v1/stream/posted3", head) + "1\r\nx\r\n")
            expect(try await client.response(), .streams, 2, retryAfter: "1800")
            let fork = "Stream-Forked-From: /v1/stream/a"
            expect(try await server.ask("PUT", "/v1/stream/f", text, a, fork), .streams, 2, retryAfter: "1800")
            #expect(try await server.ask("PUT", "/v1/stream/a", text, a).status == 200)
            #expect(try await server.ask("POST", "/v1/stream/posted1", text, a, body: "y").status == 204)
            #expect(try await server.ask("DELETE", "/v1/stream/a", a).status == 204)
            expect(try await server.ask("PUT", "/v1/stream/a", text, a), .streams, 2, retryAfter: "1800")
            #expect(try await server.ask("PUT", "/v1/stream/b", text, b).status == 201)
            server.time.advance(by: .seconds(1800))
            #expect(try await server.ask("PUT", "/v1/stream/a", text, a).status == 201)
            #expect(try await refused(server)[3] == "{quota=\"streams\"} 5")
        }
    }

    @Test("may keep so many bytes in the streams that it created, whoever appends; ending and deleting always work")
    func bytes() async throws {
        try await TestServer.run({ $0.quotaBytes = 100 }, keys: keys) { server in
            let (forty, sixty) = (String(repeating: "x", count: 40), String(repeating: "x", count: 60))
            #expect(try await server.ask("PUT", "/v1/stream/a", text, a, body: forty).status == 201)
            #expect(try await server.ask("PUT", "/v1/stream/b", text, a).status == 201)
            #expect(try await server.ask("POST", "/v1/stream/b", text, b, body: sixty).status == 204)
            for key in [a, b] {
                let response = try await server.ask("POST", "/v1/stream/a", text, key, body: "x")
                expect(response, .bytes, 100, retryAfter: "60")
            }
            expect(try await server.ask("PUT", "/v1/stream/c", text, a, body: "x"), .bytes, 100, retryAfter: "60")
            let fork = "Stream-Forked-From: /v1/stream/a"
            expect(try await server.ask("PUT", "/v1/stream/f", text, a, fork), .bytes, 100, retryAfter: "60")
            let client = try await server.connect()
            let head = [text, a, "Transfer-Encoding: chunked"]
            try await client.send(server.request("POST", "/v1/stream/a", head) + "1\r\nx\r\n")
            let streamed = try await client.response()
            expect(streamed, .bytes, 100, retryAfter: "60")
            #expect(streamed.header("Stream-Next-Offset") != nil)
            // Empty ones may be created, and others' streams are others'.
            #expect(try await server.ask("PUT", "/v1/stream/c", text, a).status == 201)
            #expect(try await server.ask("PUT", "/v1/stream/other", text, b, body: sixty).status == 201)
            #expect(try await server.ask("POST", "/v1/stream/other", text, a, body: forty).status == 204)
            #expect(try await server.ask("POST", "/v1/stream/a", a, "Stream-Closed: true").status == 204)
            #expect(try await server.ask("POST", "/v1/stream/c", a, "Stream-Cancel: true").status == 204)
            #expect(try await server.ask("DELETE", "/v1/stream/a", a).status == 204)
            // A fork needs room for all that it copies.
            let larger = "Stream-Forked-From: /v1/stream/other"
            expect(try await server.ask("PUT", "/v1/stream/f", text, a, larger), .bytes, 100, retryAfter: "60")
            #expect(try await server.ask("PUT", "/v1/stream/f", text, b, larger).status == 429)
            #expect(try await server.ask("POST", "/v1/stream/b", text, a, body: forty).status == 204)
            expect(try await server.ask("POST", "/v1/stream/b", text, a, body: "x"), .bytes, 100, retryAfter: "60")
            #expect(try await refused(server)[4] == "{quota=\"bytes\"} 8")
        }
    }

    @Test("nobody is counted where there are no keys, and quotas without keys are refused at the start")
    func nobody() async throws {
        try await TestServer.run({ $0.quotaBytes = 1 }) { server in
            let created = try await server.ask("PUT", "/v1/stream/a", text, body: "xyz")
            #expect(created.status == 201)
        }
        var configuration = ServerConfiguration()
        configuration.quotaReaders = 1
        #expect(configuration.problems().count { $0.hasPrefix("quotas: ") } == 1)
        #expect(configuration.problems(authorises: true).isEmpty)
        configuration.keys = "keys"
        #expect(configuration.problems().isEmpty)
    }
}
