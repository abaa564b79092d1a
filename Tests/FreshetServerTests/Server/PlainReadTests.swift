import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("The plain form: what was appended, and nothing of Freshet's", .timeLimit(.minutes(10)))
struct PlainReadTests {
    private let fields =
        "Vary: Accept, Origin\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"

    private func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    /// What stands where a chunk's size would: no client takes what was left unfinished for whole.
    private let torn = "\r\n"

    private func follow(_ server: TestServer, _ target: String, _ lines: String...) async throws -> RawClient {
        let client = try await server.connect()
        try await client.send(server.request("GET", target, lines))
        let head = try await client.head()
        guard head.hasPrefix("HTTP/1.1 200 ") else { throw RawClient.Unexpected(description: head) }
        return client
    }

    @Test("the head comes at once without a word; events are as they were appended; done ends the body")
    func wholeLife() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/event-stream")
            let client = try await server.connect()
            try await client.send(server.request("GET", "/v1/stream/a?as=plain", ["Accept: text/event-stream"]))
            #expect(
                try await client.head()
                    == "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Type: text/event-stream\r\n"
                    + "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n\(fields)"
                    + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            )
            let typed =
                "event: token\nid: 99\nretry: 1\n: note\ndata: two\ndata: lines\n\nevent: upstream:end\ndata\n\n"
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/event-stream", body: typed)
            let shown = "event: token\ndata: two\ndata: lines\n\nevent: upstream:end\ndata: \n\n"
            #expect(try await client.chunk() == shown)
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            #expect(try await client.readToEnd() == "0\r\n\r\n")
            let later = try await follow(server, "/v1/stream/a?as=plain&offset=-1")
            #expect(try await later.readToEnd() == chunk(shown) + "0\r\n\r\n")
        }
    }

    @Test(
        "text, JSON and lines are events of their pieces; binary has no plain form",
        arguments: [
            ("text/plain", "a\nb\u{301}", "data: a\ndata: b\u{301}\n\n"),
            ("text/event-stream", "data: x\n\n", "data: x\n\n"),
            ("application/json", "[{\"a\":1},\n\"[DONE]\"]", "data: {\"a\":1}\n\ndata: \"[DONE]\"\n\n"),
            ("application/x-ndjson", "{\"a\":1}\n2\n", "data: {\"a\":1}\n\ndata: 2\n\n"),
        ]
    )
    func types(type: String, body: String, shown: String) async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: \(type)", "Stream-Closed: true", body: body)
            let reader = try await follow(server, "/v1/stream/a?as=plain")
            #expect(try await reader.readToEnd() == chunk(shown) + "0\r\n\r\n")
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: application/octet-stream", body: body)
            let binary = try await server.ask("GET", "/v1/stream/b?as=plain")
            #expect(binary.status == 406 && binary.code == "no-plain-form")
        }
    }

    @Test("every end but done leaves the body unfinished, told while it is followed and afterwards")
    func ends() async throws {
        try await TestServer.run { server in
            for (name, fields) in [
                ("failed", ["Stream-Closed: true", "Stream-End-Reason: failed"]),
                ("cancelled", ["Stream-Cancel: true"]),
                ("abandoned", []), ("deleted", []),
            ] {
                let path = "/v1/stream/\(name)"
                let lease = name == "abandoned" ? "Stream-Lease: 5" : "X-None: 1"
                try await server.ask("PUT", path, "Content-Type: text/plain", lease, body: "x")
                let reader = try await follow(server, "\(path)?as=plain")
                #expect(try await reader.chunk() == "data: x\n\n")
                switch name {
                case "abandoned": server.time.advance(by: .seconds(6))
                case "deleted": try await server.ask("DELETE", path)
                default:
                    let client = try await server.connect()
                    _ = try await client.request(server.request("POST", path, fields))
                    await client.close()
                }
                #expect(try await reader.readToEnd() == torn, "\(name)")
                guard name != "deleted" else { continue }
                let later = try await follow(server, "\(path)?as=plain")
                #expect(try await later.readToEnd() == chunk("data: x\n\n") + torn, "\(name)")
                // Nothing was appended after this position, and it is no whole answer either.
                let rest = try await follow(server, "\(path)?as=plain&offset=now")
                #expect(try await rest.readToEnd() == torn, "\(name)")
            }
        }
    }

    @Test("what is not there, or not all there, is a status, and nobody is held")
    func statuses() async throws {
        try await TestServer.run { server in
            #expect(try await server.ask("GET", "/v1/stream/none?as=plain").code == "no-such-stream")
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", "Stream-Retention: events=3")
            for number in 1...5 {
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "\(number)")
            }
            for query in [
                "", "&offset=-1", "&offset=\(server.offset(1))", "&offset=\(server.offset(999))", "&lastEventId=x",
                "&last_event_id=\(server.offset(1))",
            ] {
                let gone = try await server.ask("GET", "/v1/stream/a?as=plain\(query)")
                #expect(gone.status == 410 && gone.code == "position-gone", "\(query)")
                #expect(gone.header("Stream-Earliest-Offset") == server.offset(2), "\(query)")
            }
            let floor = try await follow(server, "/v1/stream/a?as=plain", "Last-Event-ID: \(server.offset(2))")
            #expect(try await floor.chunk() == "data: 3\n\ndata: 4\n\ndata: 5\n\n")
            let now = try await follow(server, "/v1/stream/a?as=plain&offset=now")
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "6")
            #expect(try await now.chunk() == "data: 6\n\n")
            #expect(try await server.ask("GET", "/v1/stream/a?as=plain&offset=x").code == "bad-offset")
            for query in ["as=plain&when=closed", "as=plain&when=", "as=sse&when=open", "when=open"] {
                #expect(try await server.ask("GET", "/v1/stream/a?\(query)").code == "bad-when", "\(query)")
            }
        }
    }

    @Test("when=open: 204 where there is no stream, or an ended one; otherwise the read")
    func whenOpen() async throws {
        try await TestServer.run { server in
            let target = "/v1/stream/a?as=plain&when=open"
            #expect(try await server.ask("GET", target).status == 204)
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            let reader = try await follow(server, target)
            #expect(try await reader.chunk() == "data: x\n\n")
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            #expect(try await reader.readToEnd() == "0\r\n\r\n")
            let ended = try await server.ask("GET", target)
            #expect(ended.status == 204 && ended.header("Stream-End-Reason") == "done" && ended.body == "")
            try await server.ask("DELETE", "/v1/stream/a")
            #expect(try await server.ask("GET", target).status == 204)
        }
    }

    @Test("a quiet reader gets comment lines, also where others get an event")
    func heartbeats() async throws {
        try await TestServer.run({
            $0.heartbeat = .milliseconds(20)
            $0.heartbeatEvent = true
        }) { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await follow(server, "/v1/stream/a?as=plain")
            for _ in 1...3 { #expect(try await reader.chunk() == ":\n") }
        }
    }

    @Test("a server that goes away tears what it cannot serve, and says 503 to whoever comes")
    func draining() async throws {
        try await TestServer.run({ $0.drainDeadline = .seconds(600) }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            // As long as this one is at work the server is not gone.
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: text/plain")
            let producer = try await server.connect()
            let head = ["Content-Type: text/plain", "Transfer-Encoding: chunked"]
            try await producer.send(server.request("POST", "/v1/stream/b", head) + "1\r\n1\r\n")
            try await server.until("the producer is at work") {
                try server.streams.attendance(of: StreamName("b")).openProducers == 1
            }
            let reader = try await follow(server, "/v1/stream/a?as=plain")
            #expect(try await reader.chunk() == "data: x\n\n")
            let idle = try await server.connect()
            #expect(try await idle.request(server.request("GET", "/health")).status == 200)
            async let drained: Void = server.service.drain()
            #expect(try await reader.readToEnd() == torn)
            let late = try await idle.request(server.request("GET", "/v1/stream/a?as=plain&when=open"))
            #expect(late.status == 503 && late.code == "draining" && late.header("Retry-After") != nil)
            try await producer.send("0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            await drained
        }
    }

    @Test("a connection too many is told 503, not asked to come back")
    func overload() async throws {
        try await TestServer.run({ $0.connectionsPerAddress = 1 }) { server in
            let first = try await server.connect()
            #expect(try await first.request(server.request("GET", "/health")).status == 200)
            let answer = try await server.ask("GET", "/v1/stream/a?as=plain")
            #expect(answer.status == 503 && answer.code == "overloaded" && answer.header("Retry-After") == "5")
            await first.close()
        }
    }

    @Test("trimming that passes a reader tears its body")
    func trimmed() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", "Stream-Retention: events=2")
            let reader = try await RawClient.connect(port: server.port, receiveBuffer: 4096)
            try await reader.send(server.request("GET", "/v1/stream/a?as=plain"))
            _ = try await reader.head()
            try await reader.pause()
            try await server.outrun("/v1/stream/a")
            try await reader.resume()
            let rest = try await reader.readToEnd()
            #expect(!rest.hasSuffix("0\r\n\r\n"))
            #expect(!rest.contains("event:"))
        }
    }

    @Test("an HTTP/1.0 reader gets the same bytes; a connection that closes means done, and a reset anything else")
    func http10() async throws {
        try await TestServer.run { server in
            for (name, reason) in [("a", "done"), ("b", "failed")] {
                let path = "/v1/stream/\(name)"
                let lines = ["Content-Type: text/plain", "Stream-Closed: true", "Stream-End-Reason: \(reason)"]
                let client = try await server.connect()
                _ = try await client.request(server.request("PUT", path, lines, body: "x"))
                await client.close()
                let reader = try await server.connect()
                try await reader.send("GET \(path)?as=plain HTTP/1.0\r\n\(server.host)\r\n")
                if reason == "done" {
                    #expect(try await reader.head().contains("Connection: close"))
                    #expect(try await reader.readToEnd() == "data: x\n\n")
                } else {
                    // What was sent, the head too, may be lost with a reset, and there must be one.
                    await #expect(throws: (any Error).self) {
                        _ = try await reader.head()
                        _ = try await reader.readToEnd()
                    }
                }
            }
        }
    }
}
