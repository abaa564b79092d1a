import Foundation
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

@Suite("All nodes", .timeLimit(.minutes(10)))
struct NodesRouteTests {
    private struct List: Decodable {
        struct Node: Decodable {
            enum CodingKeys: String, CodingKey {
                case isSelf = "self"
                case session, name, said, state, version, started
                case connections, readers, producers, appends, events, deliveries, memory
            }

            var session: String?
            var name: String
            var isSelf: Bool
            var said: Double
            var state: String
            var version: String
            var started: String
            var connections: Int
            var readers: Int
            var producers: Int
            var appends: Int
            var events: Int
            var deliveries: Int
            var memory: Int?
        }
        var nodes: [Node]
    }

    private let text = "Content-Type: text/plain"

    private func nodes(_ server: TestServer) async throws -> [List.Node] {
        let answer = try await server.ask("GET", "/v1/nodes")
        try #require(answer.status == 200, "\(answer.body)")
        return try JSONDecoder().decode(List.self, from: Data(answer.body.utf8)).nodes
    }

    @Test func `a server with a store of its own is the only one`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", text)
            try await server.ask("POST", "/v1/stream/a", text, body: "hello")
            let reader = try await server.reader("/v1/stream/a")
            let producer = try await server.connect()
            try await producer.send(server.request("POST", "/v1/stream/a", [text, "Transfer-Encoding: chunked"]))
            try await server.until("it is open") { try await nodes(server).first?.producers == 1 }
            let node = try #require(try await nodes(server).first)
            #expect(try await nodes(server).count == 1)
            #expect(node.session == nil && node.isSelf && node.said == 0 && node.state == "ready")
            #expect(node.name.hasSuffix(":\(server.port)") && node.version == FreshetVersion.number)
            #expect(node.started == "2027-01-15T08:00:00Z")
            #expect(node.readers == 1 && node.appends == 1 && node.events == 1 && node.connections >= 3)
            await producer.close()
            try await server.until("it is closed") { try await nodes(server).first?.producers == 0 }
            await reader.close()
            #expect(try await server.ask("POST", "/v1/nodes").status == 405)
            let own = try await server.ask("GET", "/v1/node").body
            #expect(own.hasPrefix("{\"session\":null,\"name\":\"\(node.name)\","))
        }
    }

    @Test func `each node tells of the others what they said, and of itself what is so now`() async throws {
        let memory = SharedMemory()
        try await TestServer.run(on: memory) { one in
            try await TestServer.run(on: memory) { two in
                try await two.ask("PUT", "/v1/stream/a", text)
                try await two.ask("POST", "/v1/stream/a", text, body: "hello")
                try await one.ask("POST", "/v1/stream/a", text, body: "hello")
                // It says so by itself too, once a second of no clock of the test.
                var told: [List.Node] = []
                try await one.until("what it said is a while old") {
                    await two.service.node.report()
                    memory.time.advance(by: .milliseconds(1500))
                    told = try await nodes(one)
                    return told.contains { $0.said == 1.5 }
                }
                #expect(told.map(\.name) == told.map(\.name).sorted())
                let other = try #require(told.first { !$0.isSelf })
                #expect(told.count == 2 && other.name.hasSuffix(":\(two.port)"))
                #expect(other.appends == 1 && other.events == 1 && other.said == 1.5)
                let own = try #require(told.first { $0.isSelf })
                #expect(own.appends == 1 && own.said == 0 && own.name.hasSuffix(":\(one.port)"))
                await two.service.node.drains()
                #expect(try await nodes(one).first { !$0.isSelf }?.state == "draining")
                #expect(try await nodes(two).first { $0.isSelf }?.state == "draining")
            }
            #expect(try await nodes(one).map(\.isSelf) == [true], "a server that is gone is in no list")
        }
    }

    @Test func `while the store is away nobody can tell what the others do`() async throws {
        let memory = SharedMemory()
        try await TestServer.run(on: memory) { server in
            let store = try #require(server.service.streams.store as? SharedMemoryNode)
            store.goAway()
            let answer = try await server.ask("GET", "/v1/nodes")
            #expect(answer.status == 503 && answer.header("Retry-After") != nil)
            #expect(try await server.ask("GET", "/v1/node").status == 200)
            await store.comeBack()
            #expect(try await nodes(server).count == 1)
        }
    }

    @Test func `a name that is too long is cut between characters`() {
        let name = NodeReport(name: String(repeating: "日", count: 200), version: "", started: 0).name
        #expect(name == String(repeating: "日", count: 85))
    }
}
