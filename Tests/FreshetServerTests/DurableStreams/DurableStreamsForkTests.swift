import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

/// Durable Streams protocol, sections 4.2 and 8: forks, soft deletion.
@Suite("Durable Streams: forks", .timeLimit(.minutes(10)))
struct DurableStreamsForkTests {
    private func fork(
        _ server: DurableStreamsServer,
        _ name: String,
        from source: String = "a",
        at offset: String? = nil,
        beyond: String? = nil,
        type: String? = nil,
        ttl: String? = nil,
        body: String? = nil
    ) async throws -> DurableStreamsResponse {
        try await server.ask(
            .PUT,
            name,
            [
                "Stream-Forked-From": "/v1/stream/\(source)",
                offset == nil ? "X-None" : "Stream-Fork-Offset": offset ?? "",
                beyond == nil ? "X-None" : "Stream-Fork-Sub-Offset": beyond ?? "",
                type == nil ? "X-None" : "Content-Type": type ?? "", ttl == nil ? "X-None" : "Stream-TTL": ttl ?? "",
            ],
            body: body
        )
    }

    @Test(
        "4.2: a fork has what its source had up to the point, with the same offsets; then both go their own way",
        arguments: Keeping.allCases
    )
    func independence(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let birth = try await server.create("a").next
            let first = try await server.append("a", "1").next
            let second = try await server.append("a", "2").next
            #expect(try await fork(server, "tail").next == second)
            #expect(try await fork(server, "middle", at: first).next == first)
            #expect(try await fork(server, "start", at: birth).next == birth)
            #expect(try await fork(server, "zero", at: "0000000000000000_0000000000000000").status == 201)
            let own = try await server.append("middle", "fork").next
            #expect(own > second)
            try await server.append("a", "3")
            try await server.close("a")
            #expect(try await server.read("tail").body == "12")
            #expect(try await server.read("middle").body == "1fork")
            #expect(try await server.read("middle", "offset=\(birth)").body == "1fork")
            #expect(try await server.read("middle", "offset=\(first)").body == "fork")
            #expect(try await server.read("middle")["Stream-Closed"] == nil)
            #expect(try await server.read("start").body == "")
            #expect(try await server.read("zero").body == "")
            #expect(try await server.read("a").body == "123")
        }
    }

    @Test("4.2: a closed stream may be forked, and the fork is open", arguments: Keeping.allCases)
    func forkOfClosed(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            try await server.close("a")
            #expect(try await fork(server, "b")["Stream-Closed"] == nil)
            #expect(try await server.append("b", "y").status == 204)
            #expect(try await server.read("b").body == "xy")
        }
    }

    @Test("4.2: the type is inherited, and MUST be the same where it is given", arguments: Keeping.allCases)
    func contentType(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", "application/json", body: "[1]")
            #expect(try await fork(server, "b")["Content-Type"] == "application/json")
            #expect(try await fork(server, "c", type: "text/plain").status == 409)
            let form = try await fork(server, "c", type: "application/x-www-form-urlencoded")
            #expect(form.status == 409)
            #expect(form.body.contains("the request's is `application/x-www-form-urlencoded`, which curl sends"))
            #expect(try await fork(server, "d", body: "[2,3]").status == 201)
            #expect(try await server.read("d").body == "[1,2,3]")
        }
    }

    @Test(
        "4.2: the errors: no source 404, beyond the tail, malformed or never given 400, headers without a source 400",
        arguments: Keeping.allCases
    )
    func errors(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            try await server.create("other", body: "x")
            let foreign = try await server.append("other", "y").next
            #expect(try await fork(server, "b", from: "none").status == 404)
            for offset in [foreign, "~~~~~~~~~~~~", "9999999999999999_9999999999999999", "a,b", "now", "1"] {
                #expect(try await fork(server, "b", at: offset).status == 400, "\(offset)")
            }
            let birthless = Offset(milliseconds: 1_800_000_000_000, counter: 0).text
            #expect(try await fork(server, "c", at: birthless).status == 201)
            #expect(try await server.ask(.PUT, "b", ["Stream-Fork-Offset": "-1"]).status == 400)
            #expect(try await server.ask(.PUT, "b", ["Stream-Fork-Sub-Offset": "0"]).status == 400)
            #expect(try await server.ask(.PUT, "b", ["Stream-Forked-From": "https://example.com/a"]).status == 400)
            #expect(try await server.ask(.HEAD, "b").status == 404)
            try await server.ask(.DELETE, "c")
            // A refused fork left no trace on its source.
            try await server.ask(.DELETE, "a")
            #expect(try await server.ask(.HEAD, "a").status == 404)
        }
    }

    @Test(
        "4.2: a sub-offset of text takes bytes of the next event, as an event of the fork's own",
        arguments: Keeping.allCases
    )
    func subOffsetOfText(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let birth = try await server.create("a").next
            let first = try await server.append("a", "hello").next
            try await server.append("a", "world")
            #expect(try await fork(server, "b", at: birth, beyond: "3", body: "!").status == 201)
            #expect(try await server.read("b").body == "hel!")
            #expect(try await fork(server, "c", at: first, beyond: "2").status == 201)
            #expect(try await server.read("c", "offset=\(first)").body == "wo")
            let whole = try await fork(server, "d", at: birth, beyond: "5")
            #expect(whole.next == first)
            #expect(try await fork(server, "e", at: birth, beyond: "6").status == 400)
            #expect(try await fork(server, "f", beyond: "1").status == 400)
            for malformed in ["-1", "+1", "1.0", "01", "x", ""] {
                #expect(try await fork(server, "g", at: birth, beyond: malformed).status == 400, "\(malformed)")
            }
            #expect(try await fork(server, "h", from: "b", at: birth, beyond: "2").status == 201)
            #expect(try await server.read("h").body == "he")
        }
    }

    @Test(
        "4.2: a sub-offset of JSON counts messages; of lines and events it MUST be at a boundary",
        arguments: Keeping.allCases
    )
    func subOffsetOfMessages(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let json = try await server.create("json", "application/json").next
            try await server.append("json", "[1,2,3]", "application/json")
            #expect(try await fork(server, "j2", from: "json", at: json, beyond: "2").status == 201)
            #expect(try await server.read("j2").body == "[1,2]")
            #expect(try await fork(server, "j4", from: "json", at: json, beyond: "4").status == 400)
            let lines = try await server.create("lines", "application/x-ndjson").next
            try await server.append("lines", "{\"a\":1}\n22\n", "application/x-ndjson")
            #expect(try await fork(server, "l1", from: "lines", at: lines, beyond: "8").status == 201)
            #expect(try await server.read("l1").body == "{\"a\":1}\n")
            #expect(try await fork(server, "l2", from: "lines", at: lines, beyond: "9").status == 400)
            let events = try await server.create("events", "text/event-stream").next
            try await server.append("events", "data: a\n\ndata: b\n\n", "text/event-stream")
            #expect(try await fork(server, "e1", from: "events", at: events, beyond: "9").status == 201)
            #expect(try await server.read("e1").body == "data: a\n\n")
            #expect(try await fork(server, "e2", from: "events", at: events, beyond: "4").status == 400)
        }
    }

    @Test("4.2: asking for the same fork again MUST be 200, for another 409", arguments: Keeping.allCases)
    func idempotence(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let birth = try await server.create("a").next
            let first = try await server.append("a", "1").next
            try await server.append("a", "22")
            #expect(try await fork(server, "b", at: first, beyond: "1").status == 201)
            #expect(try await fork(server, "b", at: first, beyond: "1").status == 200)
            #expect(try await fork(server, "b", at: first, beyond: "1", type: "text/plain").status == 200)
            #expect(try await fork(server, "b", at: first).status == 409)
            #expect(try await fork(server, "b", at: birth, beyond: "1").status == 409)
            #expect(try await fork(server, "b", from: "c", at: first, beyond: "1").status == 409)
            #expect(try await server.ask(.PUT, "b", ["Content-Type": "text/plain"]).status == 409)
            #expect(try await fork(server, "a").status == 409)
            #expect(try await fork(server, "tail").status == 201)
            try await server.append("a", "3")
            #expect(try await fork(server, "tail").status == 200)
        }
    }

    @Test("4.2: a fork MUST NOT inherit what producers said, nor Stream-Seq", arguments: Keeping.allCases)
    func writerState(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let headers: KeyValuePairs = [
                "Content-Type": "text/plain", "Producer-Id": "p", "Producer-Epoch": "3", "Producer-Seq": "0",
                "Stream-Seq": "m",
            ]
            #expect(try await server.ask(.POST, "a", headers, body: "x").status == 200)
            #expect(try await fork(server, "b").status == 201)
            #expect(try await server.ask(.POST, "b", headers, body: "y").status == 200)
            #expect(try await server.read("b").body == "xy")
            #expect(try await server.ask(.POST, "a", headers, body: "y").status == 204)
        }
    }

    @Test(
        "4.2: a deleted source with forks is 410, its name 409, and its forks still read; with the last of them it is free",
        arguments: Keeping.allCases
    )
    func softDeletion(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            #expect(try await fork(server, "b").status == 201)
            #expect(try await fork(server, "c", from: "b").status == 201)
            #expect(try await server.ask(.DELETE, "a").status == 204)
            #expect(try await server.read("a").status == 410)
            #expect(try await server.ask(.HEAD, "a").status == 410)
            #expect(try await server.append("a", "y").status == 410)
            #expect(try await server.close("a").status == 410)
            #expect(try await server.ask(.DELETE, "a").status == 410)
            #expect(try await server.read("a", "offset=-1&live=sse").status == 410)
            #expect(try await server.read("a", "offset=-1&live=long-poll").status == 410)
            #expect(try await server.ask(.PUT, "a", ["Content-Type": "text/plain"]).status == 409)
            #expect(try await fork(server, "d").status == 409)
            #expect(try await server.read("c").body == "x")
            // The whole chain hangs on the last fork.
            #expect(try await server.ask(.DELETE, "b").status == 204)
            #expect(try await server.ask(.HEAD, "b").status == 410)
            #expect(try await server.ask(.HEAD, "a").status == 410)
            #expect(try await server.ask(.DELETE, "c").status == 204)
            for name in ["a", "b", "c"] { #expect(try await server.ask(.HEAD, name).status == 404) }
            #expect(try await server.ask(.PUT, "a", ["Content-Type": "text/html"]).status == 201)
        }
    }

    @Test("4.2: a source that is not deleted outlives its forks", arguments: Keeping.allCases)
    func sourceStays(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            #expect(try await fork(server, "b").status == 201)
            #expect(try await server.ask(.DELETE, "b").status == 204)
            #expect(try await server.read("a").body == "x")
            #expect(try await server.ask(.DELETE, "a").status == 204)
            #expect(try await server.ask(.HEAD, "a").status == 404)
        }
    }

    @Test(
        "4.2: the time to live is the source's unless the fork has its own, and counts for the fork alone",
        arguments: Keeping.allCases
    )
    func expiry(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-TTL": "10"])
            #expect(try await fork(server, "same")["Stream-TTL"] == "10")
            #expect(try await fork(server, "longer", ttl: "100")["Stream-TTL"] == "100")
            server.time.advance(by: .seconds(9))
            #expect(try await server.read("same").status == 200)
            server.time.advance(by: .seconds(2))
            try await server.streams.sweep()
            // Expired with forks: gone, and its name is kept.
            #expect(try await server.read("a").status == 410)
            #expect(try await server.read("same").status == 200)
            server.time.advance(by: .seconds(50))
            try await server.streams.sweep()
            #expect(try await server.read("same").status == 404)
            #expect(try await server.read("longer").status == 200)
        }
    }

    @Test(
        "5.7: what a fork inherited is answered at once; what is appended to the source MUST NOT wake its readers",
        arguments: Keeping.allCases
    )
    func follow(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            let tail = try await fork(server, "b").next
            #expect(try await server.read("b", "offset=-1&live=long-poll").body == "x")
            let poll = try await server.poll("b", "offset=\(tail)")
            try await server.append("a", "source")
            try await server.append("b", "fork")
            #expect(try await poll.whole().body == "fork")
            var follower = try await server.follow("b")
            #expect(try await follower.batch().data == "xfork")
        }
    }

    @Test(
        "4.2: a fork below what the source still keeps is 410; from its start it has what is kept",
        arguments: Keeping.allCases
    )
    func trimmedSource(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-Retention": "events=1"])
            let first = try await server.append("a", "1").next
            try await server.append("a", "2")
            let third = try await server.append("a", "3").next
            #expect(try await fork(server, "b", at: first).status == 410)
            #expect(try await fork(server, "c", at: third).status == 201)
            let read = try await server.read("c")
            #expect(read.body == "3")
            #expect(read["Stream-Gap"] == "true")
        }
    }
}
