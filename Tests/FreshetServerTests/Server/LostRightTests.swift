import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A right that ends while a request is open", .timeLimit(.minutes(10)))
struct LostRightTests {
    private let text = "Content-Type: text/plain"
    private let owner = "Authorization: Bearer 0123456789abcdef"
    private let reader = "Authorization: Bearer fedcba9876543210"
    private let keys = "owner 0123456789abcdef all *\nreader fedcba9876543210 read a\n"

    /// A session of the reader's, which ends after the shortest time.
    private func session(_ server: TestServer) async throws -> String {
        let response = try await server.ask("POST", "/v1/session", reader)
        let cookie = try #require(response.header("Set-Cookie")).prefix { $0 != ";" }
        return "Cookie: \(cookie)"
    }

    @Test("the second in which a session ends, its reads end, each in its own way, and no other")
    func expiry() async throws {
        try await TestServer.run({ $0.sessionLifetime = .seconds(60) }, keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, owner)
            let session = try await session(server)
            let native = try await server.reader("/v1/stream/a", session)
            let plain = try await server.reader("/v1/stream/a?as=plain", session)
            let durable = try await server.reader("/v1/stream/a?offset=-1&live=sse", session)
            let poll = try await server.connect()
            try await poll.send(server.request("GET", "/v1/stream/a?offset=-1&live=long-poll", [session]))
            let other = try await server.reader("/v1/stream/a", reader)
            try await server.until("all of them wait") { server.streams.attendance(of: .known("a")).readers == 5 }
            server.time.advance(by: .seconds(59))
            try await server.ask("POST", "/v1/stream/a", text, owner, body: "x")
            _ = try await native.read(through: "data: x\n\n\r\n")
            #expect(try await poll.response().status == 200)
            server.time.advance(by: .seconds(1))
            let farewell = try await native.chunks()
            #expect(farewell == "event: reconnect\nretry: 5000\ndata: {\"why\":\"expired\"}\n\n")
            // No last chunk: it cannot be taken for whole.
            #expect(try await !plain.readToEnd().contains("0\r\n\r\n"))
            #expect(try await durable.chunks().contains("event: control"))
            try await server.ask("POST", "/v1/stream/a", text, owner, body: "y")
            _ = try await other.read(through: "data: y\n\n\r\n")
            #expect(try await server.ask("GET", "/v1/stream/a", session).status == 401)
        }
    }

    @Test("a reload ends what has lost its right by the new rules, however many there are, and no other")
    func reload() async throws {
        try await TestServer.run(keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, owner)
            var losers: [RawClient] = []
            // More than are asked at once.
            for _ in 0..<250 { losers.append(try await server.reader("/v1/stream/a", reader)) }
            let winner = try await server.reader("/v1/stream/a", owner)
            let ring = try KeyRing(parsing: "owner 0123456789abcdef all *\n", file: "keys")
            await server.service.reload(ServerConfiguration().accessPolicy(keys: ring), nil)
            for loser in losers {
                #expect(try await loser.chunks().contains("data: {\"why\":\"revoked\"}\n\n"))
                await loser.close()
            }
            try await server.ask("POST", "/v1/stream/a", text, owner, body: "x")
            _ = try await winner.read(through: "data: x\n\n\r\n")
            #expect(try await server.ask("GET", "/v1/stream/a", reader).status == 401)
            let metrics = try await server.ask("GET", "/metrics", owner).body
            #expect(metrics.contains("freshet_reconnects_total{why=\"revoked\"} 250\n"))
        }
    }

    @Test("a secret of sessions that is taken out ends what its cookies opened, each in its own way, and nothing else")
    func secretTakenOut() async throws {
        try await TestServer.run(keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, owner, body: "w")
            let wish = #"{"read":["a"],"append":["a"]}"#
            let page = "Sec-Fetch-Site: same-origin"
            let answer = try await server.ask("POST", "/v1/session", owner, page, body: wish)
            let set = try #require(answer.header("Set-Cookie"))
            let narrowed = "Cookie: \(set.prefix { $0 != ";" })"
            let native = try await server.reader("/v1/stream/a", narrowed)
            let plain = try await server.reader("/v1/stream/a?as=plain", narrowed)
            let durable = try await server.reader("/v1/stream/a?offset=-1&live=sse", narrowed)
            let poll = try await server.connect()
            try await poll.send(server.request("GET", "/v1/stream/a?offset=now&live=long-poll", [narrowed]))
            let producer = try await server.connect()
            let head = [text, narrowed, page, "Transfer-Encoding: chunked"]
            try await producer.send(server.request("POST", "/v1/stream/a", head))
            let other = try await server.reader("/v1/stream/a", reader)
            try await server.until("all of them are there") {
                let attendance = server.streams.attendance(of: .known("a"))
                return attendance.readers == 5 && attendance.openProducers == 1
            }
            let ring = try KeyRing(parsing: keys, file: "keys")
            let secrets = try SessionSecrets(parsing: Array(repeating: UInt8(ascii: "s"), count: 32), file: "secrets")
            await server.service.reload(ServerConfiguration().accessPolicy(keys: ring, sessions: secrets), nil)
            #expect(try await native.chunks().hasSuffix("retry: 5000\ndata: {\"why\":\"revoked\"}\n\n"))
            #expect(try await !plain.readToEnd().contains("0\r\n\r\n"))
            #expect(try await durable.chunks().contains("event: control"))
            #expect(try await poll.response().status == 204)
            let refused = try await producer.response()
            #expect(refused.status == 401 && refused.body.contains("urn:freshet:credential-revoked"))
            try await server.ask("POST", "/v1/stream/a", text, owner, body: "x")
            _ = try await other.read(through: "data: x\n\n\r\n")
            #expect(try await server.ask("GET", "/v1/stream/a", narrowed).status == 401)
        }
    }

    @Test("a streaming append is told what is kept of it")
    func streamingAppend() async throws {
        try await TestServer.run(keys: keys) { server in
            try await server.ask("PUT", "/v1/stream/a", text, owner)
            let producer = try await server.connect()
            let head = [text, owner, "Transfer-Encoding: chunked"]
            let follower = try await server.reader("/v1/stream/a", reader)
            try await producer.send(server.request("POST", "/v1/stream/a", head) + "4\r\nkept\r\n")
            _ = try await follower.read(through: "data: kept\n\n\r\n")
            let ring = try KeyRing(parsing: "reader fedcba9876543210 read a\n", file: "keys")
            await server.service.reload(ServerConfiguration().accessPolicy(keys: ring), nil)
            let response = try await producer.response()
            #expect(response.status == 401)
            #expect(response.body.contains("urn:freshet:credential-revoked"))
            let read = try await server.ask("GET", "/v1/stream/a", reader)
            #expect(read.body == "kept")
            #expect(response.header("Stream-Next-Offset") == read.header("Stream-Next-Offset"))
        }
    }

    @Test("a stream is not created with a body that was not whole when the right was gone")
    func creation() async throws {
        try await TestServer.run(keys: keys) { server in
            let creator = try await server.connect()
            let head = [text, owner, "Content-Length: 4", "Expect: 100-continue"]
            try await creator.send(server.request("PUT", "/v1/stream/a", head))
            _ = try await creator.read(through: "100 Continue\r\n\r\n")
            try await creator.send("ab")
            let ring = try KeyRing(parsing: "reader fedcba9876543210 read a\n", file: "keys")
            await server.service.reload(ServerConfiguration().accessPolicy(keys: ring), nil)
            let response = try await creator.response()
            #expect(response.status == 401)
            #expect(response.body.contains("urn:freshet:credential-revoked"))
            #expect(try await server.ask("GET", "/v1/stream/a?offset=-1", reader).status == 404)
        }
    }
}
