import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Creating, appending, ending, cancelling", .timeLimit(.minutes(10)))
struct WriteTests {
    private let text = "Content-Type: text/plain"

    @Test("PUT is idempotent, and says what differs")
    func create() async throws {
        try await TestServer.run { server in
            let made = try await server.ask(
                "PUT",
                "/v1/stream/a%20b/%C3%A9",
                text,
                "Stream-TTL: 60",
                "Stream-Lease: 30"
            )
            #expect(made.status == 201)
            #expect(made.header("Location") == "http://localhost:\(server.port)/v1/stream/a%20b/%C3%A9")
            #expect(made.header("Stream-Next-Offset") == server.offset(0))
            #expect(made.header("Stream-TTL") == "60")
            #expect(made.header("Stream-Lease") == "30")
            let again = try await server.ask(
                "PUT",
                "/v1/stream/a%20b/%C3%A9",
                text,
                "Stream-TTL: 60",
                "Stream-Lease: 30"
            )
            #expect(again.status == 200)
            #expect(again.header("Stream-Next-Offset") == server.offset(0))
            for lines in [
                ["Content-Type: text/html", "Stream-TTL: 60", "Stream-Lease: 30"],
                [text, "Stream-TTL: 61", "Stream-Lease: 30"], [text, "Stream-Lease: 30"],
                [text, "Stream-TTL: 60", "Stream-Lease: 31"],
                [text, "Stream-TTL: 60", "Stream-Lease: 30", "Stream-Closed: true"],
                [text, "Stream-TTL: 60", "Stream-Lease: 30", "Stream-Retention: events=1"],
            ] {
                let client = try await server.connect()
                let conflict = try await client.request(server.request("PUT", "/v1/stream/a%20b/%C3%A9", lines))
                #expect(conflict.status == 409, "\(lines)")
                #expect(conflict.code == "stream-differs")
                await client.close()
            }
            let typed = try await server.ask("PUT", "/v1/stream/b")
            #expect(typed.header("Content-Type") == "text/event-stream")
        }
    }

    @Test("a Location is made of the Host that was asked, and forges nothing")
    func location() async throws {
        try await TestServer.run({
            $0.host = "0.0.0.0"
            $0.open = true
        }) { server in
            for host in ["example.org:99", "h\u{7F}", "a/b", "x y", "<script>", ""] {
                let client = try await server.connect()
                let answer = try await client.request("PUT /v1/stream/a HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                if host == "example.org:99" {
                    #expect(answer.header("Location") == "http://example.org:99/v1/stream/a")
                } else {
                    #expect(answer.status == 400, "\(host)")
                }
                await client.close()
            }
        }
    }

    @Test(
        "an atomic body is appended whole or not at all",
        arguments: [
            ("application/json", "[1,2", "invalid-json"), ("application/json", "[]", "empty-body"),
            ("application/json", "", "empty-body"), ("application/x-ndjson", "1\n{", "invalid-json"),
            ("application/x-ndjson", "\n \n", "empty-body"),
            ("text/event-stream", "data: a\n\ndata: b", "unfinished-block"),
            ("text/event-stream", "data: a\n\ndata: b\n", "unfinished-block"),
            ("text/event-stream", ": only a comment\n\n", "empty-body"),
            ("text/event-stream", "data: a\n\nevent: end\ndata: b\n\n", "reserved-event-type"),
            ("text/event-stream", "event: reconnect\ndata: b\n\n", "reserved-event-type"),
            ("text/event-stream", "event: a\u{0}b\ndata: b\n\n", "invalid-event-type"),
            ("text/plain", "", "empty-body"),
        ]
    )
    func refused(type: String, body: String, code: String) async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: \(type)")
            let answer = try await server.ask("POST", "/v1/stream/a", "Content-Type: \(type)", body: body)
            #expect(answer.status == 400)
            #expect(answer.code == code)
            #expect(answer.header("Content-Type") == "application/problem+json")
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-Next-Offset") == server.offset(0))
        }
    }

    @Test(
        "a body of more events than body-events is 413, whatever carries it, and nothing of it is kept",
        arguments: [
            ("application/json", "[1,2,3]", ",4]"), ("application/json", "[ [1] , 2 , {} ]", ", []]"),
            ("application/x-ndjson", "1\n\n2\n3\n", "4\n"), ("application/x-ndjson", "1\n2\n3", "\n4"),
            ("text/event-stream", "data:1\n\n: c\n\ndata:2\n\nid: 9\n\ndata:3\n\n", "data:4\n\n"),
            ("text/event-stream", "data:1\n\ndata:2\n\ndata:3\n\n", "event: end\ndata:4\n\n"),
        ]
    )
    func tooManyEvents(type: String, most: String, more: String) async throws {
        try await TestServer.run({ $0.bodyEvents = 3 }) { server in
            let header = "Content-Type: \(type)"
            let over = (most.hasSuffix("]") ? String(most.dropLast()) : most) + more
            #expect(try await server.ask("PUT", "/v1/stream/made", header, body: over).code == "too-many-events")
            #expect(try await server.ask("HEAD", "/v1/stream/made").status == 404)
            try await server.ask("PUT", "/v1/stream/a", header)
            let producer = ["Producer-Id: p", "Producer-Epoch: 0", "Producer-Seq: 0"]
            let chunked = "\(String(over.utf8.count, radix: 16))\r\n\(over)\r\n0\r\n\r\n"
            let chunkedHead = server.request("POST", "/v1/stream/a", [header, "Transfer-Encoding: chunked"] + producer)
            let client = try await server.connect()
            let inChunks = try await client.request(chunkedHead + chunked)
            await client.close()
            for answer in [inChunks, try await server.ask("POST", "/v1/stream/a", header, body: over)] {
                #expect(answer.status == 413)
                #expect(answer.code == "too-many-events")
                #expect(answer.body.contains("`body-events`"))
            }
            #expect(try await server.ask("HEAD", "/v1/stream/a").header("Stream-Next-Offset") == server.offset(0))
            // One event fewer, and the number that was refused is still to come.
            let client2 = try await server.connect()
            let kept = try await client2.request(
                server.request("POST", "/v1/stream/a", [header, "Content-Length: \(most.utf8.count)"] + producer) + most
            )
            await client2.close()
            #expect(kept.status == 200)
            #expect(kept.header("Stream-Next-Offset") == server.offset(3))
        }
    }

    @Test("what is wrong with the stream is said first")
    func wrongStream() async throws {
        try await TestServer.run({ $0.createOnPost = ["new/*"] }) {
            server in
            #expect(try await server.ask("POST", "/v1/stream/none", text, body: "x").code == "no-such-stream")
            #expect(try await server.ask("POST", "/v1/stream/new/a", text, body: "x").status == 204)
            #expect(try await server.ask("HEAD", "/v1/stream/new/a").header("Content-Type") == "text/plain")
            let json = "Content-Type: application/json"
            let other = try await server.ask("POST", "/v1/stream/new/a", json, body: "{")
            #expect(other.status == 409)
            #expect(other.code == "content-type-differs")
            #expect(other.body.contains("`application/json`; the stream's is `text/plain`"))
            // What curl sends unless it is told otherwise, in a body of known length, a large one, and one that streams.
            let form = "Content-Type: application/x-www-form-urlencoded"
            for (fields, body) in [(form, "x"), (form, String(repeating: "x", count: 70_000))] {
                let refused = try await server.ask("POST", "/v1/stream/new/a", fields, body: body)
                #expect(refused.status == 409)
                #expect(refused.body.contains("`application/x-www-form-urlencoded`, which curl sends"))
            }
            #expect(!other.body.contains("curl"))
            #expect(try await server.ask("POST", "/v1/stream/new/a", body: "x").code == "no-content-type")
            let parameters = "Content-Type: TEXT/plain; charset=utf-8"
            #expect(try await server.ask("POST", "/v1/stream/new/a", parameters, body: "x").status == 204)
        }
    }

    @Test("an ended stream takes nothing, and tells how it ended; ending it again succeeds")
    func ended() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            let last = try await server.ask(
                "POST",
                "/v1/stream/a",
                text,
                "Stream-Closed: true",
                "Stream-End-Reason: failed",
                "Stream-End-Detail: broke",
                body: "x"
            )
            #expect(last.status == 204)
            #expect(last.header("Stream-Closed") == "true")
            #expect(last.header("Stream-Next-Offset") == server.offset(1))
            for lines in [[text], [text, "Stream-Closed: true"]] {
                let client = try await server.connect()
                let late = try await client.request(server.request("POST", "/v1/stream/a", lines, body: "y"))
                #expect(late.status == 409)
                #expect(late.header("Stream-Closed") == "true")
                #expect(late.header("Stream-End-Reason") == "failed")
                #expect(late.header("Stream-End-Detail") == "broke")
                #expect(late.header("Stream-Next-Offset") == server.offset(1))
                await client.close()
            }
            let again = try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            #expect(again.status == 204)
            #expect(again.header("Stream-End-Reason") == "failed")
            let cancelled = try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true")
            #expect(cancelled.status == 204)
            #expect(cancelled.header("Stream-End-Reason") == "failed")
        }
    }

    @Test("cancelling ends the stream as cancelled, for readers and producers alike")
    func cancel() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            let reader = try await server.reader("/v1/stream/a")
            let answer = try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true")
            #expect(answer.status == 204)
            #expect(answer.header("Stream-End-Reason") == "cancelled")
            #expect(try await reader.chunks().contains("{\"reason\":\"cancelled\"}"))
            let late = try await server.ask("POST", "/v1/stream/a", text, body: "x")
            #expect(late.status == 409)
            #expect(late.header("Stream-End-Reason") == "cancelled")
            #expect(try await server.ask("POST", "/v1/stream/none", "Stream-Cancel: true").status == 404)
            let both = try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true", "Stream-Closed: true")
            #expect(both.code == "cancel-and-close")
            let body = try await server.ask("POST", "/v1/stream/a", "Stream-Cancel: true", body: "x")
            #expect(body.code == "unexpected-body")
        }
    }

    @Test("a producer that numbers its requests doubles nothing")
    func producers() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            func send(_ epoch: Int, _ sequence: Int, _ more: String...) async throws -> RawClient.Response {
                let client = try await server.connect()
                let lines =
                    [text, "Producer-Id: p", "Producer-Epoch: \(epoch)", "Producer-Seq: \(sequence)"] + more
                let answer = try await client.request(server.request("POST", "/v1/stream/a", lines, body: "x"))
                await client.close()
                return answer
            }
            #expect(try await send(0, 0).status == 200)
            let twice = try await send(0, 0)
            #expect(twice.status == 204)
            #expect(twice.header("Producer-Seq") == "0")
            let gap = try await send(0, 2)
            #expect(gap.status == 409)
            #expect(gap.header("Producer-Expected-Seq") == "1")
            #expect(gap.header("Producer-Received-Seq") == "2")
            #expect(try await send(1, 1).status == 400)
            #expect(try await send(1, 0).status == 200)
            let old = try await send(0, 1)
            #expect(old.status == 403)
            #expect(old.header("Producer-Epoch") == "1")
            let closing = try await send(1, 1, "Stream-Closed: true")
            #expect(closing.status == 200)
            let closedAgain = try await send(1, 1, "Stream-Closed: true")
            #expect(closedAgain.status == 204)
            #expect(closedAgain.header("Stream-Closed") == "true")
            #expect(try await send(1, 2).status == 409)
            #expect(try await server.ask("GET", "/v1/stream/a").body == "xxx")
        }
    }

    @Test("Stream-Seq must grow, byte by byte")
    func sequence() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            for (sequence, status) in [("a", 204), ("b", 204), ("b", 409), ("a", 409), ("ba", 204), ("B", 409)] {
                let answer = try await server.ask("POST", "/v1/stream/a", text, "Stream-Seq: \(sequence)", body: "x")
                #expect(answer.status == status, "\(sequence)")
            }
        }
    }

    @Test("a lease that is not renewed ends the stream as abandoned; one that is does not")
    func leases() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text, "Stream-Lease: 10")
            let reader = try await server.reader("/v1/stream/a")
            server.time.advance(by: .seconds(9))
            let renewed = try await server.ask("POST", "/v1/stream/a", "Stream-Lease: 20")
            #expect(renewed.status == 204)
            #expect(renewed.header("Stream-Lease") == "20")
            server.time.advance(by: .seconds(19))
            #expect(try await server.ask("POST", "/v1/stream/a", text, body: "x").status == 204)
            server.time.advance(by: .seconds(20))
            let rest = try await reader.chunks()
            #expect(rest.contains("data: x\n"))
            #expect(rest.contains("\"reason\":\"abandoned\""))
            let late = try await server.ask("POST", "/v1/stream/a", "Stream-Lease: 20")
            #expect(late.status == 409)
            #expect(late.header("Stream-End-Reason") == "abandoned")
            #expect(try await server.ask("POST", "/v1/stream/none", "Stream-Lease: 20").status == 404)
        }
    }

    @Test("names that two parties could read differently are refused")
    func names() async throws {
        try await TestServer.run { server in
            for name in ["", "a//b", "a/", "/a", "..", "a/../b", "a/%2E%2E/b", "%00", "a%0Ab", "%ff", "%", "a%7Fb"] {
                let answer = try await server.ask("PUT", "/v1/stream/\(name)")
                #expect(answer.code == "bad-name", "\(name)")
            }
            #expect(try await server.ask("PUT", "/v1/stream/\(String(repeating: "a", count: 513))").status == 400)
            #expect(try await server.ask("PUT", "/v1/stream/__ds/x").status == 501)
            #expect(try await server.ask("PUT", "/v1/stream").status == 404)
        }
    }
}
