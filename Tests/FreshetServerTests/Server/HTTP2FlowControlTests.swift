import Testing

@testable import FreshetServer
@testable import StreamHTTP

@Suite("What a producer may send over HTTP/2 while the store takes nothing", .timeLimit(.minutes(10)))
struct HTTP2FlowControlTests {
    /// No two parts of it are alike.
    private static let body = (0..<1_500_000).map { UInt8(ascii: "a") + UInt8(($0 ^ ($0 / 26)) % 26) }

    private func server(_ gate: StoreGate, _ test: (TestServer) async throws -> Void) async throws {
        try await TestServer.run({ $0.http2ClearText = true }, gate: gate) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            try await test(server)
            let kept = try await server.ask("GET", "/v1/stream/a").body
            #expect(kept.utf8.elementsEqual(Self.body), "\(kept.utf8.count) bytes are kept")
        }
    }

    @Test("until its request is open that is one window, and afterwards it goes on with all of its bytes")
    func unopened() async throws {
        let gate = StoreGate()
        try await server(gate) { server in
            gate.shut()
            try await HTTP2Producer.run(server, "/v1/stream/a", body: Self.body) { producer in
                try await producer.send()
                try await server.until("the request waits to be opened") { gate.waiting == 1 }
                try await producer.settle()
                #expect(producer.room == 0)
                #expect(producer.sent == HTTP2Producer.firstWindow)
                gate.open()
                let status = try await producer.finish()
                #expect(status == 204)
            }
        }
    }

    @Test("while an append waits it is a window beyond what the server holds, and then it goes on with all bytes")
    func appending() async throws {
        let gate = StoreGate()
        try await server(gate) { server in
            try await HTTP2Producer.run(server, "/v1/stream/a", body: Self.body) { producer in
                try await producer.send(atMost: 1)
                try await server.until("it is open") { try await server.ask("GET", "/v1/stream/a").body == "a" }
                gate.shut()
                repeat {
                    try await producer.send()
                    try await producer.settle()
                } while producer.room > 0 && producer.hasMore
                try await server.until("an append waits") { gate.waiting == 1 }
                // The first byte, the frame that the append has, and the backlog, beyond which the last frame of it goes.
                let held = 1 + HTTP2Producer.frameBytes + StreamingAppend.backlogLimit + HTTP2Producer.frameBytes
                #expect(producer.sent <= held + HTTP2Producer.firstWindow)
                #expect(producer.sent >= StreamingAppend.backlogLimit)
                gate.open()
                let status = try await producer.finish()
                #expect(status == 204)
            }
        }
    }
}
