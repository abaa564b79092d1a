import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Native reads, byte by byte", .timeLimit(.minutes(10)))
struct NativeReadTests {
    private let fields =
        "Vary: Accept, Origin\r\nX-Content-Type-Options: nosniff\r\nCross-Origin-Resource-Policy: same-origin\r\n"

    @Test("the head, the greeting and the replay come at once; then what is appended; then the end, and no more")
    func wholeLife() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/event-stream", body: "data: one\n\n")
            let client = try await server.connect()
            try await client.send(server.request("GET", "/v1/stream/a", ["Accept: text/event-stream"]))
            #expect(
                try await client.head()
                    == "HTTP/1.1 200 OK\r\nDate: Fri, 15 Jan 2027 08:00:00 GMT\r\nContent-Type: text/event-stream\r\n"
                    + "Cache-Control: no-cache, no-transform\r\nX-Accel-Buffering: no\r\n\(fields)"
                    + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            )
            #expect(try await client.chunk() == ": ok\n\nretry: 2000\nid: \(server.offset(1))\ndata: one\n\n")
            let typed = "event: token\nid: 99\nretry: 1\n: note\ndata: two\ndata: lines\n\ndata\n\n"
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/event-stream", body: typed)
            #expect(
                try await client.chunk()
                    == "event: token\nid: \(server.offset(2))\ndata: two\ndata: lines\n\n"
                    + "id: \(server.offset(3))\ndata: \n\n"
            )
            let closed = try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            #expect(closed.status == 204)
            #expect(closed.header("Stream-Next-Offset") == server.offset(3))
            #expect(try await client.readToEnd() == end(server.offset(4)) + "0\r\n\r\n")
        }
    }

    private func end(_ id: String) -> String {
        let block = "event: end\nid: \(id)\ndata: {\"reason\":\"done\"}\n\n"
        return "\(String(block.utf8.count, radix: 16))\r\n\(block)\r\n"
    }

    @Test("the retry rides in the first event's block, also when that comes late")
    func lateRetry() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let client = try await server.reader("/v1/stream/a")
            #expect(try await client.chunk() == ": ok\n\n")
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            #expect(try await client.chunk() == "retry: 2000\nid: \(server.offset(1))\ndata: x\n\n")
        }
    }

    @Test("who has seen the end is told 204, which stops an EventSource; who has seen all but the end gets it")
    func pastEnd() async throws {
        try await TestServer.run { server in
            let created = try await server.ask(
                "PUT",
                "/v1/stream/a",
                "Content-Type: text/event-stream",
                "Stream-Closed: true",
                "Stream-End-Reason: failed",
                "Stream-End-Detail: out of words",
                body: "data: x\n\n"
            )
            #expect(created.status == 201)
            let reader = try await server.reader("/v1/stream/a", "Last-Event-ID: \(server.offset(1))")
            #expect(
                try await reader.chunks()
                    == ": ok\n\nevent: end\nretry: 2000\nid: \(server.offset(2))\n"
                    + "data: {\"reason\":\"failed\",\"detail\":\"out of words\"}\n\n"
            )
            let past = try await server.ask(
                "GET",
                "/v1/stream/a",
                "Accept: text/event-stream",
                "Last-Event-ID: \(server.offset(2))"
            )
            #expect(past.status == 204)
            #expect(past.header("Stream-End-Reason") == "failed")
            #expect(past.header("Stream-Next-Offset") == server.offset(1))
            #expect(past.header("Vary") == "Accept, Origin")
            let lines = try await server.ask(
                "GET",
                "/v1/stream/a?as=ndjson&offset=\(server.offset(2))"
            )
            #expect(lines.status == 204)
        }
    }

    @Test("Last-Event-ID wins over the offset of the URL")
    func precedence() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            for text in ["x", "y"] {
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: text)
            }
            let reader = try await server.reader("/v1/stream/a?offset=-1", "Last-Event-ID: \(server.offset(1))")
            #expect(try await reader.chunk() == ": ok\n\nretry: 2000\nid: \(server.offset(2))\ndata: y\n\n")
        }
    }

    @Test("the last event's id may come in the query, for clients that cannot set a field; the field wins")
    func lastEventIDInQuery() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            for text in ["x", "y", "z"] {
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: text)
            }
            let (first, second) = (server.offset(1), server.offset(2))
            let rest = "id: \(server.offset(3))\ndata: z\n\n"
            for name in LastEventID.parameters {
                let reader = try await server.reader("/v1/stream/a?\(name)=\(second)&offset=-1")
                #expect(try await reader.chunk() == ": ok\n\nretry: 2000\n\(rest)")
                let lines = try await server.reader("/v1/stream/a?as=ndjson&\(name)=\(second)")
                #expect(try await lines.chunk()?.hasPrefix("\n{\"id\":\"\(server.offset(3))\"") == true)
                let field = try await server.reader("/v1/stream/a?\(name)=\(first)", "Last-Event-ID: \(second)")
                #expect(try await field.chunk() == ": ok\n\nretry: 2000\n\(rest)")
                // An empty one is none, as a field is.
                let empty = try await server.reader("/v1/stream/a?\(name)=&offset=\(second)", "Last-Event-ID: ")
                #expect(try await empty.chunk() == ": ok\n\nretry: 2000\n\(rest)")
                // What is no id of this stream is told as it is for the field, and so is a stream that is gone.
                let strange = try await server.reader("/v1/stream/a?\(name)=x")
                #expect(try await strange.chunk()?.hasPrefix(": ok\n\nevent: gap\n") == true)
                let gone = try await server.ask("GET", "/v1/stream/b?as=sse&\(name)=\(first)")
                #expect(gone.code == "no-such-stream")
            }
            for query in ["lastEventId=\(first)&last_event_id=\(first)", "lastEventId=&lastEventId=\(first)"] {
                let answer = try await server.ask("GET", "/v1/stream/a?as=sse&\(query)")
                #expect(answer.status == 400 && answer.code == "repeated-parameter", "\(query)")
            }
            // Other reads have their positions from the offset alone.
            #expect(try await server.ask("GET", "/v1/stream/a?lastEventId=\(second)").body == "xyz")
        }
    }

    @Test("NDJSON: the same events as lines, whatever the type")
    func ndjson() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/json", body: "[{\"a\":1},\n2]")
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            let client = try await server.connect()
            let answer = try await client.request(
                server.request("GET", "/v1/stream/a", ["Accept: application/x-ndjson"])
            )
            #expect(answer.header("Content-Type") == "application/x-ndjson")
            #expect(
                answer.body
                    == "\n{\"id\":\"\(server.offset(1))\",\"data\":{\"a\":1}}\n"
                    + "{\"id\":\"\(server.offset(2))\",\"data\":2}\n"
                    + "{\"id\":\"\(server.offset(3))\",\"event\":\"end\",\"data\":{\"reason\":\"done\"}}\n"
            )
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: application/octet-stream", body: "\u{1}\u{2}")
            let binary = try await server.reader("/v1/stream/b?as=ndjson")
            #expect(try await binary.chunk()?.hasSuffix("\"data\":\"AQI=\",\"base64\":true}\n") == true)
            let encoded = try await server.reader("/v1/stream/b")
            #expect(try await encoded.chunk()?.hasSuffix("data: AQI=\n\n") == true)
        }
    }

    @Test("a quiet reader gets heartbeats, in the form of its stream, and an event where that is asked for")
    func heartbeats() async throws {
        try await TestServer.run({ $0.heartbeat = .milliseconds(20) }) { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            for chunk in [": ok\n\n", ":\n", ":\n"] { #expect(try await reader.chunk() == chunk) }
            let lines = try await server.reader("/v1/stream/a?as=ndjson")
            for chunk in ["\n", "\n", "\n"] { #expect(try await lines.chunk() == chunk) }
        }
        try await TestServer.run({
            $0.heartbeat = .milliseconds(20)
            $0.heartbeatEvent = true
        }) { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            #expect(try await reader.chunk() == ": ok\n\n")
            #expect(try await reader.chunk() == "event: heartbeat\nretry: 2000\ndata: {}\n\n")
            #expect(try await reader.chunk() == "event: heartbeat\ndata: {}\n\n")
        }
    }

    @Test("a read that follows says that it is not encoded only where that is asked for, however it is read")
    func identityEncoding() async throws {
        for isAsked in [false, true] {
            try await TestServer.run({ $0.identityEncoding = isAsked }) { server in
                try await server.ask("PUT", "/v1/stream/a", "Stream-Closed: true")
                for target in ["/v1/stream/a?as=sse", "/v1/stream/a?as=ndjson", "/v1/stream/a?offset=-1&live=sse"] {
                    let client = try await server.connect()
                    let answer = try await client.request(server.request("GET", target))
                    #expect(answer.header("Content-Encoding") == (isAsked ? "identity" : nil), "\(target)")
                }
            }
        }
    }

    @Test("a read from now says where it begins, so that a reader who has seen nothing can come back")
    func now() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "old")
            let reader = try await server.reader("/v1/stream/a?offset=now")
            let at = server.offset(1)
            #expect(
                try await reader.chunk()
                    == ": ok\n\nevent: start\nretry: 2000\nid: \(at)\ndata: {\"offset\":\"\(at)\"}\n\n"
            )
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "new")
            #expect(try await reader.chunk() == "id: \(server.offset(2))\ndata: new\n\n")
        }
    }

    @Test("deleting tells connected readers, without an id: nothing is recorded")
    func deletion() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a")
            let reader = try await server.reader("/v1/stream/a")
            #expect(try await reader.chunk() == ": ok\n\n")
            #expect(try await server.ask("DELETE", "/v1/stream/a").status == 204)
            #expect(try await reader.chunks() == "event: end\nretry: 2000\ndata: {\"reason\":\"deleted\"}\n\n")
            #expect(try await reader.readToEnd() == "")
            #expect(try await server.ask("DELETE", "/v1/stream/a").status == 404)
        }
    }

    @Test("a stream with a reader does not expire; without one it does, and who comes later is told it is gone")
    func expiry() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Stream-TTL: 10", "Content-Type: text/plain", body: "x")
            let reader = try await server.reader("/v1/stream/a")
            _ = try await reader.chunk()
            server.time.advance(by: .seconds(60))
            #expect(try await server.ask("HEAD", "/v1/stream/a").status == 200)
            await reader.close()
            try await server.until("the reader is gone") {
                try server.streams.attendance(of: .init("a")).readers == 0
            }
            server.time.advance(by: .seconds(60))
            #expect(try await server.ask("HEAD", "/v1/stream/a").status == 404)
            let back = try await server.ask(
                "GET",
                "/v1/stream/a",
                "Accept: text/event-stream",
                "Last-Event-ID: \(server.offset(1))"
            )
            #expect(back.status == 404)
        }
    }

    @Test("a whole log of many pages arrives in order, and other connections are served meanwhile")
    func longReplay() async throws {
        try await TestServer.run({ $0.keptBytes = 1 << 30 }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: application/json")
            let body = "[" + (0..<20_000).map { "\($0)" }.joined(separator: ",") + "]"
            try await server.ask("POST", "/v1/stream/a", "Content-Type: application/json", body: body)
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            let reader = try await server.reader("/v1/stream/a?as=sse")
            let data = try await reader.chunks().split(separator: "\n").filter { $0.hasPrefix("data: ") }
            #expect(data.count == 20_001)
            #expect(data.dropLast() == (0..<20_000).map { "data: \($0)" }[...])
        }
    }
}
