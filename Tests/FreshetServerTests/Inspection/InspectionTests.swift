import Foundation
import StoreSuite
import StreamCore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Who reads, and lists by more than names", .timeLimit(.minutes(10)))
struct InspectionTests {
    private let keys = """
        all 0123456789abcdef all *
        team fedcba9876543210 all,inspect team/
        operator 00000000fedcba98 inspect *
        """
    private let all = "Authorization: Bearer 0123456789abcdef"
    private let team = "Authorization: Bearer fedcba9876543210"
    private let operatorKey = "Authorization: Bearer 00000000fedcba98"

    private struct Page: Decodable {
        struct Stream: Decodable {
            var name: String
            var created: String
            var updated: String
        }
        var streams: [Stream]
        var next: String?
    }

    private struct Readers: Decodable {
        struct Reader: Decodable {
            var form: String
            var address: String?
            var state: String
            var position: String?
            var lag: Double?
            var events: Int
            var connected: Int
            var stalled: Int?
        }
        var stream: String
        var tail: String?
        var readers: [Reader]
        var next: String?
    }

    private func list(_ server: TestServer, _ query: String, _ lines: String...) async throws -> Page {
        let client = try await server.connect()
        let answer = try await client.request(server.request("GET", "/v1/streams\(query)", lines))
        await client.close()
        try #require(answer.status == 200, "\(answer.body)")
        return try JSONDecoder().decode(Page.self, from: Data(answer.body.utf8))
    }

    private func readers(_ server: TestServer, _ query: String) async throws -> Readers {
        let answer = try await server.ask("GET", "/v1/readers\(query)")
        try #require(answer.status == 200, "\(answer.body)")
        return try JSONDecoder().decode(Readers.self, from: Data(answer.body.utf8))
    }

    @Test func `streams by state, and in every order`() async throws {
        try await TestServer.run { server in
            for (name, text) in [("b", "12"), ("a", "1"), ("c", "123"), ("d", "12")] {
                try await server.ask("PUT", "/v1/stream/\(name)", "Content-Type: text/plain")
                server.time.advance(by: .seconds(1))
                try await server.ask("POST", "/v1/stream/\(name)", "Content-Type: text/plain", body: text)
            }
            server.time.advance(by: .seconds(1))
            try await server.ask("POST", "/v1/stream/a", "Stream-Closed: true")
            try await server.ask("POST", "/v1/stream/b", "Content-Type: text/plain", body: "4567")
            let reader = try await server.reader("/v1/stream/d")
            for (query, names) in [
                ("?state=open", ["b", "c", "d"]), ("?state=ended", ["a"]), ("?sort=name", ["a", "b", "c", "d"]),
                ("?sort=-name", ["d", "c", "b", "a"]), ("?sort=bytes", ["a", "d", "c", "b"]),
                ("?sort=-bytes", ["b", "c", "d", "a"]), ("?sort=created", ["b", "a", "c", "d"]),
                // The same time, and then the names.
                ("?sort=-updated", ["a", "b", "d", "c"]), ("?sort=-events", ["b", "a", "c", "d"]),
                ("?sort=-readers", ["d", "a", "b", "c"]), ("?state=open&sort=-created", ["d", "c", "b"]),
                ("?sort=created&prefix=c", ["c"]), ("?sort=bytes&cursor=2.d", ["c", "b"]),
                ("?sort=-created&cursor=0.x", []), ("?search=C", ["c"]), ("?search=", ["a", "b", "c", "d"]),
                ("?sort=-bytes&limit=2", ["b", "c"]), ("?limit=1&cursor=a", ["b"]), ("?search=x", []),
            ] {
                #expect(try await list(server, query).streams.map(\.name) == names, "\(query)")
            }
            let found = try #require(try await list(server, "?sort=name&prefix=a").streams.first)
            #expect(found.created == "2027-01-15T08:00:01Z")
            #expect(found.updated == "2027-01-15T08:00:05Z", "its end is the last that happened to it")
            #expect(try await list(server, "?limit=4").next == "d")
            #expect(try await list(server, "?sort=name&limit=4").next == nil)
            for query in ["?limit=0", "?limit=1001", "?limit=x", "?sort=name&limit="] {
                #expect(try await server.ask("GET", "/v1/streams\(query)").status == 400, "\(query)")
            }
            for query in ["?state=", "?state=closed", "?sort=", "?sort=size", "?sort=--name", "?sort=bytes&cursor=x"] {
                #expect(try await server.ask("GET", "/v1/streams\(query)").status == 400, "\(query)")
            }
            await reader.close()
        }
    }

    /// What knows figures of streams whose names begin with `m`.
    private struct Measured: RouteGroup {
        func isPublic(_ request: RouteRequest) -> Bool { false }
        func plan(_ request: RouteRequest) -> RequestPlan? { nil }
        func figures(of stream: StreamName) async -> StreamFigures? {
            guard stream.text.utf8.first == UInt8(ascii: "m") else { return nil }
            return StreamFigures(field: "Relay-Metrics", member: "relay", values: [("tokens", "7"), ("ttft", "1.5")])
        }
    }

    @Test func `what was measured of a stream, where a list is asked for it`() async throws {
        try await TestServer.run(keys: keys, routes: [Measured()]) { server in
            for name in ["measured", "other"] { try await server.ask("PUT", "/v1/stream/\(name)", all) }
            let measured = #""relay":{"tokens":7,"ttft":1.5}"#
            let list = try await server.ask("GET", "/v1/streams?figures=relay&sort=-name", operatorKey)
            #expect(list.status == 200)
            #expect(list.body.split(separator: measured, omittingEmptySubsequences: false).count == 2)
            #expect(try await server.ask("GET", "/v1/streams?sort=name", operatorKey).body.contains("relay") == false)
            #expect(try await server.ask("GET", "/v1/streams/measured", all).body.contains(measured))
            #expect(try await server.ask("GET", "/v1/streams?figures=relay", all).status == 403)
            #expect(try await server.ask("GET", "/v1/streams?figures=all", operatorKey).status == 400)
        }
    }

    @Test func `a list of many is whole, page after page, in whatever order`() async throws {
        try await TestServer.run { server in
            for number in 0..<2500 {
                let end = number.isMultiple(of: 2) ? EndRequest(.done) : nil
                _ = try await server.streams.create(
                    StreamName("s/\(10_000 + number)"),
                    CreateRequest(options: StreamOptions(), end: end)
                )
            }
            for query in [
                "sort=name", "sort=-name", "sort=created", "sort=-bytes", "state=open", "state=ended&sort=-created",
            ] {
                var names: [String] = []
                var cursor = ""
                repeat {
                    let page = try await list(server, "?\(query)\(cursor)")
                    names += page.streams.map(\.name)
                    cursor = page.next.map { "&cursor=\($0)" } ?? ""
                    #expect(page.streams.count <= 1000)
                } while cursor != ""
                #expect(names.count == (query.contains("state") ? 1250 : 2500), "\(query)")
                #expect(Set(names).count == names.count)
                #expect(names == (query == "sort=-name" ? names.sorted(by: >) : names.sorted()))
            }
        }
    }

    @Test func `only who may inspect a stream learns who reads it, or lists by state and order`() async throws {
        try await TestServer.run(keys: keys) { server in
            for name in ["team/a", "other/b"] { try await server.ask("PUT", "/v1/stream/\(name)", all) }
            let targets = [
                "/v1/readers?stream=team/a", "/v1/readers?stream=other/b", "/v1/streams?sort=name", "/v1/node",
                "/v1/nodes",
            ]
            for (key, statuses) in [
                (all, [403, 403, 403, 403, 403]), (team, [200, 403, 200, 403, 403]),
                (operatorKey, [200, 200, 200, 200, 200]),
            ] {
                for (target, status) in zip(targets, statuses) {
                    #expect(try await server.ask("GET", target, key).status == status, "\(key) \(target)")
                    #expect(try await server.ask("HEAD", target, key).status == status)
                    #expect(try await server.ask("GET", target).status == 401)
                }
            }
            #expect(try await list(server, "?state=open", team).streams.map(\.name) == ["team/a"])
            #expect(try await list(server, "?state=open", operatorKey).streams.map(\.name) == ["other/b", "team/a"])
            // To inspect is not to read.
            #expect(try await server.ask("GET", "/v1/stream/team/a", operatorKey).status == 403)
            let refused = try await server.ask("GET", "/v1/node", team)
            #expect(refused.body.contains("lacks inspect on every stream"))
        }
    }

    @Test func `without keys only a server that nobody else reaches tells it`() async throws {
        for (host, status) in [("127.0.0.1", 200), ("0.0.0.0", 403)] {
            try await TestServer.run({
                $0.host = host
                $0.open = true
            }) { server in
                let created = try await server.ask("PUT", "/v1/stream/a")
                #expect(created.status == 201)
                for target in ["/v1/readers?stream=a", "/v1/streams?sort=name", "/v1/node", "/v1/nodes"] {
                    #expect(try await server.ask("GET", target).status == status, "\(host) \(target)")
                }
                #expect(try await server.ask("GET", "/v1/streams").status == 200)
            }
        }
    }

    @Test func `a reader is told with its address, where it is, and how far behind`() async throws {
        try await TestServer.run { server in
            let early = try await server.reader("/v1/stream/a")
            #expect(try await readers(server, "?stream=a").tail == nil)
            #expect(try await readers(server, "?stream=a").readers.map(\.state) == ["waiting"])
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            for _ in 0..<2 {
                server.time.advance(by: .seconds(1))
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "x")
            }
            let polling = try await server.connect()
            let tail = try #require(try await readers(server, "?stream=a").tail)
            try await polling.send(server.request("GET", "/v1/stream/a?offset=\(tail)&live=long-poll"))
            try await server.until("both follow") {
                try await readers(server, "?stream=a").readers.filter { $0.state == "following" }.count == 2
            }
            let found = try await readers(server, "?stream=a")
            #expect(found.stream == "a" && found.next == nil)
            #expect(found.readers.map(\.form) == ["sse", "long-poll"])
            #expect(found.readers.map(\.events) == [2, 0])
            for reader in found.readers {
                #expect(reader.address == "127.0.0.1" && reader.position == tail && reader.lag == 0)
                #expect(reader.stalled == nil && reader.connected >= 0)
            }
            await early.close()
            await polling.close()
            try await server.until("both have gone") { try await readers(server, "?stream=a").readers.isEmpty }
            for query in [
                "", "?stream=", "?stream=a//b", "?stream=a&cursor=1", "?stream=a&cursor=-1.0", "?stream=a&stream=b",
            ] {
                #expect(try await server.ask("GET", "/v1/readers\(query)").status == 400, "\(query)")
            }
            #expect(try await server.ask("GET", "/v1/readers?stream=__freshet/x").status == 403)
            #expect(try await server.ask("POST", "/v1/readers?stream=a").status == 405)
        }
    }

    @Test func `a reader whose connection takes no more is told as stalled, with its lag`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            let reader = try await server.reader("/v1/stream/a")
            try await reader.pause()
            let large = String(repeating: "x", count: 900_000)
            // More than the buffers of a connection take.
            for _ in 0..<12 {
                server.time.advance(by: .seconds(1))
                try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: large)
            }
            try await server.until("it is stalled") {
                try await readers(server, "?stream=a").readers.first?.state == "stalled"
            }
            let found = try #require(try await readers(server, "?stream=a").readers.first)
            #expect(try #require(found.lag) >= 1)
            #expect(found.stalled != nil && found.events < 12)
            await reader.close()
        }
    }

    @Test func `many readers come in pages that hold each of them once`() async throws {
        try await TestServer.run({ $0.eventLoops = 2 }) { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            var all: [RawClient] = []
            for _ in 0..<230 { all.append(try await server.reader("/v1/stream/a")) }
            try await server.until("all are there") { try await readers(server, "?stream=a").readers.count == 230 }
            let plane = server.service.plane
            var cursor: ReaderCursor? = ReaderCursor()
            var counts: [Int] = []
            while let start = cursor {
                let page = await plane.readers(of: StreamName.known("a"), from: start, limit: 100)
                counts.append(page.readers.count)
                cursor = page.next
            }
            #expect(counts.reduce(0, +) == 230)
            #expect(counts.allSatisfy { $0 <= 100 })
            for reader in all { await reader.close() }
        }
    }

    @Test func `a node tells its numbers, and those of the parts of the hour that have passed`() async throws {
        try await TestServer.run { server in
            try await server.ask("PUT", "/v1/stream/a", "Content-Type: text/plain")
            try await server.ask("POST", "/v1/stream/a", "Content-Type: text/plain", body: "hello")
            let reader = try await server.reader("/v1/stream/a")
            await server.service.node.note()
            let answer = try await server.ask("GET", "/v1/node")
            let node = try #require(
                try JSONSerialization.jsonObject(with: Data(answer.body.utf8)) as? [String: Any]
            )
            #expect(node["version"] as? String == FreshetVersion.number)
            #expect(node["started"] as? String == "2027-01-15T08:00:00Z")
            #expect(node["streams"] as? Int == 1 && node["appends"] as? Int == 1 && node["events"] as? Int == 1)
            #expect((node["readers"] as? [String: Int])?["sse"] == 1)
            #expect((node["syncSeconds"] as? [String: Any])?["p99"] is NSNull, "the memory store syncs nothing")
            #expect((node["appendSeconds"] as? [String: Any])?["p50"] is Double)
            let hour = try #require(node["hour"] as? [String: Any])
            #expect(hour["step"] as? Int == 10 && hour["until"] as? String == "2027-01-15T08:00:00Z")
            #expect(hour["appends"] as? [Int] == [1] && hour["readers"] as? [Int] == [1])
            await reader.close()
        }
    }
}
