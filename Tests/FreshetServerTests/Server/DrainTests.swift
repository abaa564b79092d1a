import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A server that goes away", .timeLimit(.minutes(10)))
struct DrainTests {
    private let text = "Content-Type: text/plain"

    @Test("readers of streams that nobody writes are asked to come back; the others stay for the end")
    func readers() async throws {
        // The deadline is no part of this.
        try await TestServer.run({ $0.drainDeadline = .seconds(600) }) { server in
            try await server.ask("PUT", "/v1/stream/quiet", text)
            try await server.ask("PUT", "/v1/stream/leased", text, "Stream-Lease: 600")
            try await server.ask("PUT", "/v1/stream/written", text)
            let quiet = try await server.reader("/v1/stream/quiet")
            let held = try await server.reader("/v1/stream/none")
            let leased = try await server.reader("/v1/stream/leased")
            let reader = try await server.reader("/v1/stream/written")
            let idle = try await server.connect()
            #expect(try await idle.request(server.request("GET", "/health")).status == 200)
            let producer = try await server.connect()
            let head = [text, "Transfer-Encoding: chunked"]
            try await producer.send(server.request("POST", "/v1/stream/written", head) + "1\r\n1\r\n")
            _ = try await reader.read(through: "data: 1\n\n\r\n")

            async let drained: Void = server.service.drain()
            for reader in [quiet, held] {
                let rest = try await reader.chunks()
                #expect(rest.contains("event: reconnect\nretry: "))
                #expect(rest.hasSuffix("data: {\"why\":\"draining\"}\n\n"))
                #expect(try await reader.readToEnd() == "")
            }
            // What was sent on a connection just before is not lost; it is the last that is answered there.
            let health = try await idle.request(server.request("GET", "/health"))
            #expect(health.header("Connection") == "close")
            #expect(try await idle.readToEnd() == "")
            #expect(health.status == 503)
            #expect(health.body == "{\"status\":\"draining\"}\n")
            // New native reads are asked to come back, other reads are answered, nothing is created.
            let late = try await server.reader("/v1/stream/written")
            #expect(try await late.chunks().contains("{\"why\":\"draining\"}"))
            #expect(try await server.ask("GET", "/v1/stream/written").body == "1")
            let unused = try await server.connect()
            let create = try await server.ask("PUT", "/v1/stream/new", text)
            #expect(create.status == 503)
            #expect(create.header("Retry-After") != nil)
            #expect(try await server.ask("POST", "/v1/stream/quiet", text, body: "x").status == 503)
            // A connection that says nothing for a while is a new connection all the same.
            let last = try await unused.request(server.request("GET", "/v1/stream/quiet"))
            #expect(last.header("Connection") == "close")
            // Appends to what is being written go on, on new connections too.
            #expect(try await server.ask("POST", "/v1/stream/leased", text, body: "x").status == 204)
            _ = try await leased.read(through: "data: x\n\n\r\n")
            #expect(
                try await server.ask("POST", "/v1/stream/leased", text, "Stream-Closed: true", body: "y").status == 204
            )
            #expect(try await leased.chunks().contains("data: y\n\nevent: end\n"))
            try await producer.send("1\r\n2\r\n0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            // Nobody writes the last stream any more: its reader goes, and with it the server.
            #expect(try await reader.readToEnd().contains("{\"why\":\"draining\"}"))
            await drained
        }
    }

    @Test("at the deadline a streaming append is told 503 with the last offset kept, and its readers to come back")
    func deadline() async throws {
        try await TestServer.run({ $0.drainDeadline = .milliseconds(300) }) { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            let reader = try await server.reader("/v1/stream/a")
            let producer = try await server.connect()
            let head = [text, "Transfer-Encoding: chunked", "Stream-Closed: true"]
            try await producer.send(server.request("POST", "/v1/stream/a", head) + "1\r\n1\r\n")
            _ = try await reader.read(through: "data: 1\n\n\r\n")
            await server.service.drain()
            let answer = try await producer.response()
            #expect(answer.status == 503)
            #expect(answer.header("Stream-Next-Offset") == server.offset(1))
            #expect(answer.header("Retry-After") != nil)
            #expect(answer.header("Stream-Closed") == nil)
            #expect(try await producer.readToEnd() == "")
            #expect(try await reader.readToEnd().contains("{\"why\":\"draining\"}"))
            #expect(try await server.streams.info(.init("a"))?.end == nil)
        }
    }
}
