import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Bodies that are appended while they arrive", .timeLimit(.minutes(10)))
struct StreamingAppendTests {
    private func open(
        _ server: TestServer,
        _ type: String,
        _ lines: String...,
        name: String = "a"
    ) async throws -> RawClient {
        let client = try await server.connect()
        let head = ["Content-Type: \(type)", "Transfer-Encoding: chunked"] + lines
        try await client.send(server.request("POST", "/v1/stream/\(name)", head))
        return client
    }

    private func chunk(_ text: String) -> String { "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n" }

    private func chunk(_ bytes: [UInt8]) -> [UInt8] {
        Array("\(String(bytes.count, radix: 16))\r\n".utf8) + bytes + Array("\r\n".utf8)
    }

    @Test("server-sent events: each complete block is there at once, a clean end completes the last one")
    func events() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            let producer = try await open(server, "text/event-stream")
            try await producer.send(chunk("data: o"))
            try await producer.send(chunk("ne\n\nevent: x\ndata: tw"))
            #expect(try await reader.chunk() == ": ok\n\n")
            #expect(try await reader.chunk() == "retry: 2000\nid: \(server.offset(1))\ndata: one\n\n")
            try await producer.send(chunk("o\n\n"))
            #expect(try await reader.chunk() == "event: x\nid: \(server.offset(2))\ndata: two\n\n")
            try await producer.send(chunk("data: three") + "0\r\n\r\n")
            #expect(try await reader.chunk() == "id: \(server.offset(3))\ndata: three\n\n")
            let answer = try await producer.response()
            #expect(answer.status == 204)
            #expect(answer.header("Stream-Next-Offset") == server.offset(3))
            // The connection takes the next request.
            #expect(try await producer.request(server.request("HEAD", "/v1/stream/a")).status == 200)
        }
    }

    @Test("lines of NDJSON, and text up to a whole character")
    func linesAndText() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/x-ndjson")
            let lines = try await open(server, "application/x-ndjson")
            let reader = try await server.reader("/v1/stream/a?as=ndjson")
            #expect(try await reader.chunk() == "\n")
            try await lines.send(chunk("{\"a\":1}\r\n\n  \n[2"))
            #expect(try await reader.chunk() == "{\"id\":\"\(server.offset(1))\",\"data\":{\"a\":1}}\n")
            try await lines.send(chunk("]") + "0\r\n\r\n")
            #expect(try await reader.chunk() == "{\"id\":\"\(server.offset(2))\",\"data\":[2]}\n")
            #expect(try await lines.response().status == 204)

            try await server.ask("PUT", "/v1/stream/b", "Content-Type: text/plain")
            let text = try await open(server, "text/plain", name: "b")
            let other = try await server.reader("/v1/stream/b")
            #expect(try await other.chunk() == ": ok\n\n")
            try await text.send(chunk(Array("na".utf8) + [0xC3]))
            #expect(try await other.chunk() == "retry: 2000\nid: \(server.offset(4))\ndata: na\n\n")
            try await text.send(chunk([0xAF] + Array("ve".utf8)))
            #expect(try await other.chunk() == "id: \(server.offset(5))\ndata: \u{EF}ve\n\n")
            await text.close()
        }
    }

    @Test(
        "a streaming body of more events than body-events is appended in steps, and ends with the last",
        arguments: [("application/x-ndjson", "1\n"), ("text/event-stream", "data:1\n\n")],
        ["Stream-Closed: true", "Stream-Producer: x"]
    )
    func steps(type: (name: String, event: String), field: String) async throws {
        try await TestServer.run({ $0.bodyEvents = 3 }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: \(type.name)")
            let producer = try await open(server, type.name, field)
            try await producer.send(chunk(String(repeating: type.event, count: 1000)) + "0\r\n\r\n")
            let answer = try await producer.response()
            #expect(answer.status == 204)
            #expect(answer.header("Stream-Next-Offset") == server.offset(1000))
            #expect(answer.header("Stream-Closed") == (field == "Stream-Closed: true" ? "true" : nil))
            let metrics = try await server.ask("GET", "/metrics").body
            let appends = try #require(metrics.firstMatch(of: /\nfreshet_appends_total (\d+)\n/)?.output.1)
            #expect(try #require(Int(appends)) >= 334)
            await producer.close()
        }
    }

    @Test("JSON, numbered requests and bodies of known length are atomic")
    func atomic() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/json")
            let json = try await open(server, "application/json")
            try await json.send(chunk("1"))
            try await json.send(chunk("2") + "0\r\n\r\n")
            #expect(try await json.response().status == 204)
            #expect(try await server.ask("GET", "/v1/stream/a").body == "[12]")
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: text/plain")
            let numbered = try await open(
                server,
                "text/plain",
                "Producer-Id: p",
                "Producer-Epoch: 0",
                "Producer-Seq: 0",
                name: "b"
            )
            try await numbered.send(chunk("x") + chunk("y") + "0\r\n\r\n")
            #expect(try await numbered.response().status == 200)
            #expect(try await server.ask("GET", "/v1/streams/b").body.contains("\"events\":1"))
        }
    }

    @Test("a torn body drops only what was unfinished, ends nothing, and leaves a lease behind")
    func torn() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            let producer = try await open(server, "text/event-stream", "Stream-Closed: true")
            try await producer.send(chunk("data: one\n\ndata: lost"))
            #expect(try await reader.read(through: "data: one\n\n").hasSuffix("data: one\n\n"))
            await producer.close()
            try await server.until("the producer is gone") {
                try server.streams.attendance(of: StreamName("a")).openProducers == 0
            }
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-Closed") == nil)
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-Lease") == "60")
            server.time.advance(by: .seconds(60))
            let rest = try await reader.readToEnd()
            #expect(rest.contains("\"reason\":\"abandoned\""))
            #expect(!rest.contains("lost"))
        }
    }

    @Test("what is no HTTP in the middle of a body is 400, and what came before it is kept")
    func malformed() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let producer = try await open(server, "text/plain", "Stream-Closed: true")
            try await producer.send(chunk("kept") + "no chunk\r\n")
            let answer = try await producer.response()
            #expect(answer.status == 400)
            #expect(answer.code == "malformed-request")
            let kept = try await server.ask("GET", "/v1/stream/a")
            #expect(kept.body == "kept")
            #expect(kept.header("Stream-Closed") == nil)
        }
    }

    @Test("a body that is over before its request was opened is kept as far as it is whole", arguments: [true, false])
    func early(isTorn: Bool) async throws {
        let gate = StoreGate()
        try await TestServer.run(gate: gate) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            gate.shut()
            let producer = try await server.connect()
            let head = ["Content-Type: text/plain", "Transfer-Encoding: chunked"]
            let body = chunk("one") + chunk("two") + (isTorn ? "" : "no chunk\r\n")
            try await producer.send(server.request("POST", "/v1/stream/a", head) + body)
            try await server.until("the request waits to be opened") { gate.waiting == 1 }
            if isTorn {
                await producer.close()
                gate.open()
            } else {
                gate.open()
                #expect(try await producer.response().status == 400)
            }
            try await server.until("what was whole is kept") {
                try await server.ask("GET", "/v1/stream/a").body == "onetwo"
            }
        }
    }

    @Test("with Stream-Closed the last piece and the end are one step")
    func closing() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            let producer = try await open(server, "text/event-stream", "Stream-Closed: true")
            try await producer.send(chunk("data: one\n\n"))
            _ = try await reader.read(through: "data: one\n\n\r\n")
            try await producer.send(chunk("data: two") + "0\r\n\r\n")
            let answer = try await producer.response()
            #expect(answer.status == 204)
            #expect(answer.header("Stream-Closed") == "true")
            #expect(answer.header("Stream-End-Reason") == "done")
            #expect(
                try await reader.chunk()
                    == "id: \(server.offset(2))\ndata: two\n\n"
                    + "event: end\nid: \(server.offset(3))\ndata: {\"reason\":\"done\"}\n\n"
            )
        }
    }

    @Test("a piece that may not be appended is answered, and what came before it is kept")
    func badPiece() async throws {
        try await TestServer.run({ $0.lineBytes = 1000 }) { server in
            try await server.ask("PUT", "/v1/stream/a")
            for (bad, code) in [
                ("event: gap\ndata: x\n\n", "reserved-event-type"),
                ("data: \(String(repeating: "x", count: 1500))", "line-too-long"),
            ] {
                let producer = try await open(server, "text/event-stream")
                try await producer.send(chunk("data: good\n\n" + bad))
                let answer = try await producer.response()
                #expect(answer.code == code)
                #expect(answer.header("Stream-Next-Offset") != nil)
                #expect(answer.header("Connection") == "close")
                #expect(try await producer.readToEnd() == "")
            }
            #expect(try await server.ask("GET", "/v1/stream/a").body == "data: good\n\ndata: good\n\n")
        }
    }

    @Test("who asks whether to send a body hears 100 only when the request is accepted")
    func expectation() async throws {
        try await TestServer.run { server in
            let refused = try await open(server, "text/event-stream", "Expect: 100-continue")
            let problem = try await refused.response()
            #expect(problem.status == 404)
            #expect(try await refused.readToEnd() == "")
            try await server.ask("PUT", "/v1/stream/a")
            let accepted = try await open(server, "text/event-stream", "Expect: 100-continue")
            #expect(try await accepted.head() == "HTTP/1.1 100 Continue\r\n\r\n")
            try await accepted.send(chunk("data: x\n\n") + "0\r\n\r\n")
            #expect(try await accepted.response().status == 204)
            let silent = try await open(server, "text/event-stream")
            try await silent.send("0\r\n\r\n")
            let empty = try await silent.response()
            #expect(empty.status == 204)
            #expect(empty.header("Stream-Next-Offset") == server.offset(1))
        }
    }

    @Test("a newer request of the same name takes over; of another name it does not")
    func takeover() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let reader = try await server.reader("/v1/stream/a")
            let old = try await open(server, "text/plain", "Stream-Producer: p")
            let other = try await open(server, "text/plain", "Stream-Producer: q")
            try await old.send(chunk("old"))
            _ = try await reader.read(through: "data: old\n\n")
            let new = try await open(server, "text/plain", "Stream-Producer: p")
            let answer = try await old.response()
            #expect(answer.status == 409)
            #expect(answer.code == "producer-replaced")
            #expect(answer.header("Stream-Next-Offset") == server.offset(1))
            #expect(answer.header("Stream-Closed") == nil)
            try await new.send(chunk("new") + "0\r\n\r\n")
            #expect(try await new.response().status == 204)
            try await other.send(chunk("other") + "0\r\n\r\n")
            #expect(try await other.response().status == 204)
            #expect(try await server.ask("GET", "/v1/stream/a").body == "oldnewother")
        }
    }

    @Test("cancelling and deleting tell an open producer at once")
    func stopped() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let cancelled = try await open(server, "text/plain")
            try await cancelled.send(chunk("x"))
            try await server.until("the text is there") { try await server.ask("GET", "/v1/stream/a").body == "x" }
            try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true")
            let answer = try await cancelled.response()
            #expect(answer.status == 409)
            #expect(answer.header("Stream-Closed") == "true")
            #expect(answer.header("Stream-End-Reason") == "cancelled")
            #expect(answer.header("Stream-Next-Offset") == server.offset(1))
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: text/plain")
            let orphan = try await open(server, "text/plain", name: "b")
            try await server.until("it is open") {
                try server.streams.attendance(of: StreamName("b")).openProducers == 1
            }
            try await server.ask("DELETE", "/v1/stream/b")
            #expect(try await orphan.response().status == 404)
        }
    }

    @Test("a stream is not abandoned while a streaming append is open, however silent")
    func leaseRests() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", "Stream-Lease: 10")
            let producer = try await open(server, "text/plain")
            try await server.until("it is open") {
                try server.streams.attendance(of: StreamName("a")).openProducers == 1
            }
            server.time.advance(by: .seconds(1000))
            try await producer.send(chunk("x") + "0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            // It is answered a moment before it is counted out, and the lease runs from then.
            try await server.until("it is closed") {
                try server.streams.attendance(of: StreamName("a")).openProducers == 0
            }
            server.time.advance(by: .seconds(9))
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-Closed") == nil)
            server.time.advance(by: .seconds(1))
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-End-Reason") == "abandoned")
        }
    }

    @Test("a line longer than the backlog, and many comments, do not stop a producer")
    func longPieces() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let producer = try await open(server, "text/event-stream")
            for _ in 0..<40 { try await producer.send(chunk(": " + String(repeating: "c", count: 10_000) + "\n\n")) }
            try await producer.send(chunk("data: "))
            for _ in 0..<60 { try await producer.send(chunk(String(repeating: "d", count: 10_000))) }
            try await producer.send(chunk("\n\n") + "0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            let body = try await server.ask("GET", "/v1/stream/a").body
            #expect(body == "data: " + String(repeating: "d", count: 600_000) + "\n\n")
        }
    }

    @Test("while the store is slow a producer is slowed down, and everything it sent is kept in order")
    func slowStore() async throws {
        let store = StoreGate()
        try await TestServer.run(gate: store) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let producer = try await open(server, "text/plain")
            store.shut()
            async let sending: Void = {
                for number in 0..<400 {
                    try await producer.send(chunk("\(number % 10)" + String(repeating: "x", count: 9_999)))
                }
                try await producer.send("0\r\n\r\n")
            }()
            try await server.until("an append waits") { store.waiting == 1 }
            store.open()
            try await sending
            #expect(try await producer.response().status == 204)
            let (body, expected) = try await whole(server)
            #expect(body == expected)
        }
    }

    private func whole(_ server: TestServer) async throws -> (String, String) {
        var body = ""
        var offset = "-1"
        while true {
            let page = try await server.ask("GET", "/v1/stream/a?offset=\(offset)")
            body += page.body
            offset = page.header("Stream-Next-Offset") ?? ""
            if page.header("Stream-Up-To-Date") != nil { break }
        }
        return (body, (0..<400).map { "\($0 % 10)" + String(repeating: "x", count: 9_999) }.joined())
    }

    @Test("a producer that goes while its append is on the way leaves nothing behind, and the server goes on")
    func goneWhileAppending() async throws {
        let store = StoreGate()
        try await TestServer.run(gate: store) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let producer = try await open(server, "text/plain")
            // It is open, or it would be the opening that waits, and nothing be read of the body before the reset.
            try await producer.send(chunk("w"))
            try await server.until("it is open") { try await server.ask("GET", "/v1/stream/a").body == "w" }
            store.shut()
            try await producer.send(chunk("x"))
            try await server.until("the append waits") { store.waiting == 1 }
            try await producer.reset()
            try await server.until("the connection is gone") { server.service.server.connections == 0 }
            store.open()
            try await server.until("the producer is gone") {
                try server.streams.attendance(of: StreamName("a")).openProducers == 0
            }
            #expect(try await server.ask("GET", "/v1/stream/a").body == "wx")
        }
    }
}
