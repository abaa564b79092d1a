import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Two servers on one store", .timeLimit(.minutes(10)))
struct NodesTests {
    private let text = "Content-Type: text/plain"

    private func run(_ body: (TestServer, TestServer) async throws -> Void) async throws {
        let memory = SharedMemory()
        let configure: (inout ServerConfiguration) -> Void = { $0.drainDeadline = .seconds(600) }
        try await TestServer.run(configure, on: memory) { one in
            try await TestServer.run(configure, on: memory) { two in try await body(one, two) }
        }
    }

    private func open(_ server: TestServer, _ lines: String...) async throws -> RawClient {
        let client = try await server.connect()
        let head = [text, "Transfer-Encoding: chunked"] + lines
        try await client.send(server.request("POST", "/v1/stream/a", head))
        return client
    }

    private func open(_ server: TestServer, until count: Int) async throws {
        try await server.until("it is open") {
            try await server.ask("GET", "/v1/streams/a").body.contains("\"producers\":\(count)")
        }
    }

    @Test("a streaming append is read, listed, replaced and stopped at any of them")
    func streamingAppend() async throws {
        try await run { one, two in
            #expect(try await one.ask("PUT", "/v1/stream/a", text).status == 201)
            #expect(try await two.ask("PUT", "/v1/stream/a", text).status == 200)
            let reader = try await two.reader("/v1/stream/a")
            let older = try await open(one, "Stream-Producer: p")
            try await older.send("1\r\n1\r\n")
            _ = try await reader.read(through: "data: 1\n\n\r\n")
            let told = try await two.ask("GET", "/v1/streams/a")
            #expect(told.body.contains("\"producers\":1,\"writers\":[\"node-0\"]"))
            let newer = try await open(two, "Stream-Producer: p")
            let replaced = try await older.response()
            #expect(replaced.status == 409 && replaced.code == "producer-replaced")
            #expect(replaced.body.contains("could not reach its store"))
            try await newer.send("1\r\n2\r\n")
            _ = try await reader.read(through: "data: 2\n\n\r\n")
            #expect(try await one.ask("POST", "/v1/stream/a", "Stream-Cancel: true").status == 204)
            let stopped = try await newer.response()
            #expect(stopped.status == 409 && stopped.header("Stream-End-Reason") == "cancelled")
            #expect(try await reader.chunks().contains("{\"reason\":\"cancelled\"}"))
        }
    }

    @Test("who can go on at another leaves one that goes away, and who cannot stays for the end")
    func drain() async throws {
        try await run { one, two in
            try await one.ask("PUT", "/v1/stream/a", text, "Stream-Lease: 60")
            let producer = try await open(one)
            let native = try await two.reader("/v1/stream/a")
            let plain = try await two.connect()
            try await plain.send(two.request("GET", "/v1/stream/a?as=plain"))
            try await producer.send("1\r\n1\r\n")
            for reader in [native, plain] { _ = try await reader.read(through: "data: 1\n\n\r\n") }
            async let drained: Void = two.service.drain()
            #expect(try await native.chunks().contains("{\"why\":\"draining\"}"))
            // A producer goes on at another too.
            let refused = try await two.ask("POST", "/v1/stream/a", text, body: "x")
            #expect(refused.status == 503 && refused.header("Retry-After") != nil)
            try await producer.send("1\r\n2\r\n0\r\n\r\n")
            #expect(try await producer.response().status == 204)
            #expect(try await one.ask("POST", "/v1/stream/a", "Stream-Closed: true").status == 204)
            #expect(try await plain.readToEnd().contains("data: 2\n\n"))
            await drained
        }
    }

    @Test("what a server is at that is dead is left as torn, and it is told so when it is not")
    func dead() async throws {
        try await run { one, two in
            try await one.ask("PUT", "/v1/stream/a", text)
            let producer = try await open(one)
            try await open(two, until: 1)
            let node = try #require(one.service.streams.store as? SharedMemoryNode)
            try await node.bury()
            let told = try await producer.response()
            #expect(told.status == 409 && told.code == "producer-replaced")
            #expect(try await two.ask("HEAD", "/v1/stream/a").header("Stream-Lease") == "60")
            let reader = try await two.reader("/v1/stream/a")
            two.time.advance(by: .seconds(60))
            #expect(try await reader.readToEnd().contains("\"reason\":\"abandoned\""))
        }
    }
}
