import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("What a POST asks the store: a rule is asked once", .timeLimit(.minutes(10)))
struct AskedOnceTests {
    private let json = "Content-Type: application/json"

    /// What the store is asked by one request.
    private func asked(_ server: TestServer, _ gate: StoreGate, _ target: String, _ lines: String..., body: String)
        async throws -> (status: Int, questions: [String])
    {
        gate.forget()
        let client = try await server.connect()
        let answer = try await client.request(server.request("POST", "/v1/stream/\(target)", lines, body: body))
        await client.close()
        return (answer.status, gate.asked)
    }

    @Test("an append is one question, whatever it comes to")
    func once() async throws {
        let gate = StoreGate()
        try await TestServer.run({ $0.createOnPost = ["made/*"] }, gate: gate) { server in
            _ = try await server.ask("PUT", "/v1/stream/a", json)
            #expect(try await asked(server, gate, "a", json, body: "1") == (204, ["append"]))
            let numbered = ["Producer-Id: p", "Producer-Epoch: 0"]
            let first = try await asked(server, gate, "a", json, numbered[0], numbered[1], "Producer-Seq: 0", body: "2")
            #expect(first == (200, ["append"]))
            #expect(try await asked(server, gate, "a", "Content-Type: text/plain", body: "x") == (409, ["append"]))
            #expect(try await asked(server, gate, "none", json, body: "1").questions == ["append", "isSoftDeleted"])
            #expect(try await asked(server, gate, "made/a", json, body: "1") == (204, ["append", "create", "append"]))
            #expect(try await asked(server, gate, "made/a", json, body: "1") == (204, ["append"]))
            let last = try await asked(
                server,
                gate,
                "a",
                json,
                numbered[0],
                numbered[1],
                "Producer-Seq: 1",
                "Stream-Closed: true",
                body: "3"
            )
            #expect(last == (200, ["append"]))
            #expect(try await asked(server, gate, "a", json, body: "1") == (409, ["append"]))
        }
    }

    @Test("a body that its type does not allow is refused for what is wrong with the stream, if something is")
    func badBodies() async throws {
        let gate = StoreGate()
        try await TestServer.run({ $0.createOnPost = ["made/*"] }, gate: gate) { server in
            _ = try await server.ask("PUT", "/v1/stream/a", json)
            _ = try await server.ask("PUT", "/v1/stream/text", "Content-Type: text/plain")
            #expect(try await asked(server, gate, "a", json, body: "{") == (400, ["info"]))
            #expect(try await asked(server, gate, "text", json, body: "{") == (409, ["info"]))
            #expect(try await asked(server, gate, "none", json, body: "{").status == 404)
            #expect(try await asked(server, gate, "made/a", json, body: "{").status == 400)
            #expect(try await server.streams.info(StreamName("made/a")) == nil)
            let stamp = ["Producer-Id: p", "Producer-Epoch: 0", "Producer-Seq: 0"]
            let closing = try await asked(
                server,
                gate,
                "a",
                json,
                stamp[0],
                stamp[1],
                stamp[2],
                "Stream-Closed: true",
                body: "1"
            )
            #expect(closing.status == 200)
            // The same request again is a duplicate by its number, whatever its body is.
            let again = try await asked(
                server,
                gate,
                "a",
                json,
                stamp[0],
                stamp[1],
                stamp[2],
                "Stream-Closed: true",
                body: "{"
            )
            #expect(again == (204, ["info", "append"]))
            #expect(try await asked(server, gate, "a", json, body: "{").status == 409)
        }
    }

    @Test("a streaming append asks once before its body is taken, and the store decides about each piece")
    func streaming() async throws {
        let gate = StoreGate()
        try await TestServer.run({ $0.createOnPost = ["made/*"] }, gate: gate) { server in
            func asked(_ name: String, _ lines: String...) async throws -> (status: Int, questions: [String]) {
                gate.forget()
                let fields = (lines + ["Transfer-Encoding: chunked"]).joined(separator: "\r\n")
                let client = try await server.connect()
                try await client.send(
                    "POST /v1/stream/\(name) HTTP/1.1\r\n\(server.host)\(fields)\r\n\r\n5\r\nHello\r\n0\r\n\r\n"
                )
                let answer = try await client.response()
                await client.close()
                // It hears of its stream's end, too: that is no question.
                return (answer.status, gate.asked.filter { $0 != "watch" })
            }
            let text = "Content-Type: text/plain"
            _ = try await server.ask("PUT", "/v1/stream/a", text)
            _ = try await server.ask("PUT", "/v1/stream/events", "Content-Type: text/event-stream")
            #expect(try await asked("a", text) == (204, ["info", "append"]))
            #expect(try await asked("a", text, "Stream-Lease: 60") == (204, ["info", "setLease", "append"]))
            #expect(try await asked("events", text) == (409, ["info"]))
            #expect(try await asked("none", text) == (404, ["info", "isSoftDeleted"]))
            #expect(try await asked("made/a", text) == (204, ["info", "create", "info", "append"]))
            _ = try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            #expect(try await asked("a", text) == (409, ["info"]))
        }
    }

    @Test("a large body is asked about before it is read, and the store decides all the same")
    func large() async throws {
        let gate = StoreGate()
        try await TestServer.run(gate: gate) { server in
            _ = try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let body = String(repeating: "x", count: 64 * 1024)
            let plain = "Content-Type: text/plain"
            #expect(try await asked(server, gate, "a", plain, body: body) == (204, ["append"]))
            #expect(try await asked(server, gate, "a", plain, body: body + "x") == (204, ["info", "append"]))
            let client = try await server.connect()
            try await client.send(
                "POST /v1/stream/none HTTP/1.1\r\n\(server.host)\(plain)\r\nContent-Length: 65537\r\n\r\n"
            )
            #expect(try await client.response().status == 404)
            await client.close()
        }
    }
}
