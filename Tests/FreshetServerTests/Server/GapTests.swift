import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A gap is told whenever what follows is not what follows the reader's position", .timeLimit(.minutes(10)))
struct GapTests {
    /// Events 1 to 5 were kept, at most three remain.
    private func trimmed(_ body: (TestServer) async throws -> Void) async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", "Stream-Retention: events=3")
            for number in 1...5 {
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "\(number)")
            }
            try await body(server)
        }
    }

    private func gap(_ server: TestServer, _ requested: String) -> String {
        ": ok\n\nevent: gap\nretry: 2000\nid: \(server.offset(2))\n"
            + "data: {\"requested\":\"\(requested)\",\"resumed\":\"\(server.offset(2))\"}\n\n"
            + (3...5).map { "id: \(server.offset($0))\ndata: \($0)\n\n" }.joined()
    }

    @Test("(a) below the floor; at the floor nothing is lost")
    func belowFloor() async throws {
        try await trimmed { server in
            let below = try await server.reader("/v1/stream/a", "Last-Event-ID: \(server.offset(1))")
            #expect(try await below.chunk() == gap(server, server.offset(1)))
            let at = try await server.reader("/v1/stream/a", "Last-Event-ID: \(server.offset(2))")
            #expect(try await at.chunk()?.hasPrefix(": ok\n\nretry: 2000\nid: \(server.offset(3))\n") == true)
        }
    }

    @Test("(b) an offset the stream never gave, wherever it would sort, and what is no offset at all")
    func unknown() async throws {
        try await trimmed { server in
            for foreign in ["000000000001", server.offset(999), "x", "-1", "{\"a\":1}"] {
                let reader = try await server.reader("/v1/stream/a", "Last-Event-ID: \(foreign)")
                let quoted = foreign.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
                #expect(try await reader.chunk() == gap(server, quoted))
            }
            #expect(
                try await server.ask("GET", "/v1/stream/a?offset=x", "Accept: text/event-stream").code == "bad-offset"
            )
        }
    }

    @Test("(c) asked from the start, and the start was trimmed")
    func start() async throws {
        try await trimmed { server in
            for target in ["/v1/stream/a", "/v1/stream/a?offset=-1"] {
                let reader = try await server.reader(target)
                #expect(try await reader.chunk() == gap(server, "-1"))
            }
        }
    }

    @Test("(d) trimming passed a connected reader that was too slow")
    func whileConnected() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", "Stream-Retention: events=2")
            let reader = try await RawClient.connect(port: server.port, receiveBuffer: 4096)
            try await reader.send(server.request("GET", "/v1/stream/a", ["Accept: text/event-stream"]))
            _ = try await reader.read(through: ": ok\n\n")
            try await reader.pause()
            try await server.outrun("/v1/stream/a")
            try await reader.resume()
            let rest = try await reader.readToEnd()
            #expect(rest.contains("event: gap\n"))
            #expect(rest.contains("\"resumed\":\"\(server.offset(10))\""))
            // After the gap comes everything that is kept, and the end.
            let after = try #require(rest.firstRange(of: "event: gap\n")).upperBound
            #expect(rest[after...].contains("id: \(server.offset(11))\n"))
            #expect(rest[after...].contains("id: \(server.offset(12))\n"))
            #expect(rest.hasSuffix("data: {\"reason\":\"done\"}\n\n\r\n0\r\n\r\n"))
        }
    }

    @Test("catch-up reads are told 410, or from the start that something is missing")
    func catchUp() async throws {
        try await trimmed { server in
            let below = try await server.ask("GET", "/v1/stream/a?offset=\(server.offset(1))")
            #expect(below.status == 410)
            #expect(below.header("Stream-Earliest-Offset") == server.offset(2))
            let start = try await server.ask("GET", "/v1/stream/a?offset=-1")
            #expect(start.status == 200)
            #expect(start.header("Stream-Gap") == "true")
            #expect(start.body == "345")
            let floor = try await server.ask("GET", "/v1/stream/a?offset=\(server.offset(2))")
            #expect(floor.header("Stream-Gap") == nil)
            #expect(floor.body == "345")
        }
    }
}
