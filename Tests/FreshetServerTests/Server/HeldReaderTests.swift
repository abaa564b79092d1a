import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("A reader may come before the producer", .timeLimit(.minutes(10)))
struct HeldReaderTests {
    @Test("it is held, gets heartbeats, creates nothing, and reads from the start once there is a stream")
    func held() async throws {
        try await TestServer.run({ $0.heartbeat = .milliseconds(20) }) { server in
            let reader = try await server.reader("/v1/stream/a")
            #expect(try await reader.chunk() == ": ok\n\n")
            #expect(try await reader.chunk() == ":\n")
            #expect(try await server.ask("HEAD", "/v1/stream/a").status == 404)
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            var chunk = try await reader.chunk()
            while chunk == ":\n" { chunk = try await reader.chunk() }
            #expect(chunk == "retry: 2000\nid: \(server.offset(1))\ndata: x\n\n")
        }
    }

    @Test("with now, it is told where the stream began")
    func heldFromNow() async throws {
        try await TestServer.run { server in
            let reader = try await server.reader("/v1/stream/a?offset=now")
            #expect(try await reader.chunk() == ": ok\n\n")
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let birth = server.offset(0)
            #expect(
                try await reader.chunk()
                    == "event: start\nretry: 2000\nid: \(birth)\ndata: {\"offset\":\"\(birth)\"}\n\n"
            )
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            #expect(try await reader.chunk() == "id: \(server.offset(1))\ndata: x\n\n")
        }
    }

    @Test("with a position it is not held: that stream is gone")
    func withPosition() async throws {
        try await TestServer.run { server in
            let answer = try await server.ask("GET", "/v1/stream/a", "Accept: text/event-stream", "Last-Event-ID: x")
            #expect(answer.status == 404)
            #expect(answer.code == "no-such-stream")
            let offset = try await server.ask(
                "GET",
                "/v1/stream/a?offset=\(server.offset(0))",
                "Accept: text/event-stream"
            )
            #expect(offset.status == 404)
        }
    }

    @Test("it is asked to come back after a while, and no longer counts")
    func holdTime() async throws {
        try await TestServer.run({
            $0.hold = .milliseconds(40)
            $0.heldReaders = 1
        }) { server in
            for _ in 0..<2 {
                let reader = try await server.reader("/v1/stream/a")
                let rest = try await reader.chunks()
                #expect(rest.hasPrefix(": ok\n\nevent: reconnect\nretry: "))
                #expect(rest.hasSuffix("\ndata: {\"why\":\"overloaded\"}\n\n"))
                #expect(try await reader.readToEnd() == "")
            }
        }
    }

    @Test("names and readers are bounded; one too many is asked to come back, not refused for ever")
    func bounds() async throws {
        try await TestServer.run({
            $0.heldNames = 1
            $0.heldReaders = 2
        }) { server in
            let first = try await server.reader("/v1/stream/a")
            _ = try await first.chunk()
            let otherName = try await server.reader("/v1/stream/b")
            #expect(try await otherName.chunks().contains("event: reconnect\n"))
            let second = try await server.reader("/v1/stream/a")
            #expect(try await second.chunk() == ": ok\n\n")
            let third = try await server.reader("/v1/stream/a")
            #expect(try await third.chunks().contains("{\"why\":\"overloaded\"}"))
            // Those that leave make room.
            await first.close()
            await second.close()
            try await server.until("both are gone") { try server.streams.attendance(of: StreamName("a")).readers == 0 }
            let next = try await server.reader("/v1/stream/b")
            #expect(try await next.chunk() == ": ok\n\n")
            // A stream that exists takes no place among the held.
            try await server.ask("PUT", "/v1/stream/b", "Content-Type: text/plain", body: "x")
            #expect(try await next.chunk()?.hasSuffix("data: x\n\n") == true)
            let again = try await server.reader("/v1/stream/c")
            #expect(try await again.chunk() == ": ok\n\n")
        }
    }
}
