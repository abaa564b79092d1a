import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Limits, each with its response, and the server goes on", .timeLimit(.minutes(10)))
struct LimitTests {
    @Test("a head that is too large is 431, also when more of it comes", arguments: ["X: ", "GET /", "Cookie: "])
    func headers(start: String) async throws {
        try await TestServer.run({ $0.headerBytes = 2048 }) { server in
            let client = try await server.connect()
            let line = start + String(repeating: "a", count: 60_000)
            try await client.send(start.hasPrefix("GET") ? line : "GET /health HTTP/1.1\r\n\(server.host)\(line)")
            let answer = try await client.response()
            #expect(answer.status == 431)
            #expect(answer.header("Connection") == "close")
            #expect(try await client.readToEnd() == "")
            #expect(try await server.ask("GET", "/health").status == 200)
        }
    }

    @Test("many small fields are too large together")
    func manyHeaders() async throws {
        try await TestServer.run({ $0.headerBytes = 2048 }) { server in
            let lines = (0..<400).map { "X-\($0): \($0)\r\n" }.joined()
            let client = try await server.connect()
            #expect(try await client.request("GET /health HTTP/1.1\r\n\(server.host)\(lines)\r\n").status == 431)
        }
    }

    @Test("a head that does not come in time is 408, however it dribbles")
    func slowHead() async throws {
        try await TestServer.run({ $0.headerTime = .milliseconds(60) }) { server in
            let client = try await server.connect()
            try await client.send("GET /health HT")
            // On a busy machine the time may be over, and the connection closed, before this is sent.
            try? await client.send("TP/1.1\r\n")
            let answer = try await client.response()
            #expect(answer.status == 408)
            #expect(answer.code == "head-timeout")
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("a connection on which nothing is said is closed without a word")
    func idle() async throws {
        try await TestServer.run({ $0.idle = .milliseconds(60) }) { server in
            let client = try await server.connect()
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("an atomic body that stops is 408")
    func slowBody() async throws {
        try await TestServer.run({ $0.bodyIdle = .milliseconds(60) }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let client = try await server.connect()
            let head = ["Content-Type: text/plain", "Content-Length: 10"]
            try await client.send(server.request("POST", "/v1/stream/a", head) + "12345")
            #expect(try await client.response().code == "body-timeout")
            #expect(try await client.readToEnd() == "")
            #expect(try await server.ask("GET", "/v1/stream/a").body == "")
        }
    }

    @Test("a body that is too large is 413, by its length before it comes, and without one when it has")
    func largeBody() async throws {
        try await TestServer.run({ $0.bodyBytes = 1000 }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/json")
            for length in ["1001", "9223372036854775807", "9223372036854775808", "18446744073709551615"] {
                let client = try await server.connect()
                let head = ["Content-Type: application/json", "Content-Length: \(length)", "Expect: 100-continue"]
                let answer = try await client.request(server.request("POST", "/v1/stream/a", head))
                #expect(answer.status == 413, "\(length)")
                #expect(try await client.readToEnd() == "")
            }
            let client = try await server.connect()
            let head = ["Content-Type: application/json", "Transfer-Encoding: chunked"]
            try await client.send(server.request("POST", "/v1/stream/a", head))
            let chunk = "190\r\n" + String(repeating: "1", count: 400) + "\r\n"
            // On a busy machine it may be cut before it has sent everything; the response is there all the same.
            for _ in 0..<4 { try? await client.send(chunk) }
            #expect(try await client.response().status == 413)
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("an early response reaches a client that is still sending, and one that never stops is cut")
    func earlyResponse() async throws {
        try await TestServer.run({ $0.bodyBytes = 1000 }) { server in
            let client = try await server.connect()
            let head = ["Content-Type: text/plain", "Content-Length: 400000"]
            try await client.send(server.request("PUT", "/v1/stream/a", head))
            // On a busy machine it may be cut before it has sent everything; the response is there all the same.
            for _ in 0..<40 { try? await client.send(String(repeating: "x", count: 10_000)) }
            #expect(try await client.response().status == 413)
            #expect(try await client.readToEnd() == "")
        }
    }

    @Test("events and lines have their sizes")
    func eventSizes() async throws {
        try await TestServer.run({
            $0.eventBytes = 100
            $0.lineBytes = 100
        }) { server in
            let long = String(repeating: "1", count: 101)
            for (type, body) in [
                ("text/plain", long), ("application/json", "[1,\(long)]"), ("application/x-ndjson", "1\n\(long)\n"),
                ("text/event-stream", "data: \(long)\n\n"), ("application/octet-stream", long),
            ] {
                let name = "/v1/stream/\(type)"
                try await server.ask("PUT", name, "Content-Type: \(type)")
                let answer = try await server.ask("POST", name, "Content-Type: \(type)", body: body)
                #expect(answer.status == 413, "\(type)")
                #expect(try await server.ask("HEAD", name).header("Stream-Up-To-Date") == nil)
            }
        }
    }

    @Test("a full store is 507, and ending a stream is never refused for want of room")
    func full() async throws {
        try await TestServer.run(limits: StoreLimits(streams: 2, bytes: 4096)) { server in
            let type = "Content-Type: text/plain"
            try await server.ask("PUT", "/v1/stream/a", type)
            try await server.ask("PUT", "/v1/stream/b", type)
            #expect(try await server.ask("PUT", "/v1/stream/c", type).status == 507)
            let large = String(repeating: "x", count: 4000)
            #expect(try await server.ask("POST", "/v1/stream/a", type, body: large).code == "store-full")
            let client = try await server.connect()
            let head = [type, "Transfer-Encoding: chunked"]
            try await client.send(server.request("POST", "/v1/stream/a", head) + "fa0\r\n\(large)\r\n")
            #expect(try await client.response().status == 507)
            #expect(try await server.ask("POST", "/v1/stream/a", type, "Stream-Closed: true", body: "").status == 204)
            #expect(try await server.ask("DELETE", "/v1/stream/a").status == 204)
            #expect(try await server.ask("PUT", "/v1/stream/c", type).status == 201)
        }
    }

    @Test("connections are bounded, in all and per address: 503 and 429 with Retry-After, reconnect for a reader")
    func connections() async throws {
        try await TestServer.run({ $0.connectionsPerAddress = 1 }) { server in
            let first = try await server.connect()
            #expect(try await first.request(server.request("GET", "/health")).status == 200)
            let second = try await server.connect()
            let answer = try await second.request(server.request("GET", "/v1/stream/a"))
            #expect(answer.status == 429)
            #expect(answer.header("Retry-After") == "5")
            #expect(try await second.readToEnd() == "")
            let reader = try await server.connect()
            try await reader.send(server.request("GET", "/v1/stream/a", ["Accept: text/event-stream"]))
            let farewell = try await reader.response()
            #expect(farewell.status == 200)
            #expect(farewell.body.contains("event: reconnect\nretry: "))
            #expect(farewell.body.contains("{\"why\":\"overloaded\"}"))
            await first.close()
            await second.close()
            await reader.close()
            try await server.until("all are gone") { server.service.server.connections == 0 }
            #expect(try await server.ask("GET", "/v1/stream/a").status == 404)
        }
        try await TestServer.run({ $0.connections = 1 }) { server in
            let first = try await server.connect()
            #expect(try await first.request(server.request("GET", "/health")).status == 200)
            #expect(try await server.ask("GET", "/v1/stream/a").status == 503)
        }
    }

    @Test("a reader that takes nothing is closed, and holds a bounded amount meanwhile; others are not affected")
    func stalledReader() async throws {
        // Longer than a busy machine lets the other reader wait for its turn: it takes nothing then either.
        try await TestServer.run({ $0.writeStall = .seconds(10) }) { server in
            let type = "Content-Type: text/plain"
            try await server.ask("PUT", "/v1/stream/a", type)
            let stalled = try await RawClient.connect(port: server.port, receiveBuffer: 4096)
            try await stalled.send(server.request("GET", "/v1/stream/a", ["Accept: text/event-stream"]))
            _ = try await stalled.read(through: ": ok\n\n")
            try await stalled.pause()
            let other = try await server.reader("/v1/stream/a")
            _ = try await other.chunk()
            let large = String(repeating: "x", count: 900_000)
            var taken = 0
            for number in 1...20 {
                try await server.ask("POST", "/v1/stream/a", type, body: large)
                taken += try await other.read(through: "id: \(server.offset(number))\n").utf8.count
            }
            try await server.until("the stalled one is gone") {
                try server.streams.attendance(of: StreamName("a")).readers == 1
            }
            let metrics = try await server.ask("GET", "/metrics").body
            let figure = { (name: Substring) in
                metrics.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                    .flatMap { Int($0.dropFirst(name.count + 1)) }
            }
            #expect(figure("freshet_evictions_total") == 1)
            let delivered = try #require(figure("freshet_delivered_bytes_total"))
            // What was not for the other one was written for the one that took nothing: as much as the system's buffers
            // hold, and an event. All of it would be as much as the other one took.
            #expect(delivered - taken < taken / 2)
        }
    }
}
