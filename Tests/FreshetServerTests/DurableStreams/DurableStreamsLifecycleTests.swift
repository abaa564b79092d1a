import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

/// Durable Streams protocol, sections 4.1 and 5.1 to 5.5: creating, appending, closing, deleting, metadata.
@Suite("Durable Streams: the life of a stream", .timeLimit(.minutes(10)))
struct DurableStreamsLifecycleTests {
    @Test(
        "5.1: PUT MUST answer 200 where the same stream exists, and 409 where another does",
        arguments: Keeping.allCases
    )
    func creatingIsIdempotent(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let first = try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-TTL": "60"])
            #expect(first.status == 201)
            #expect(first["Location"] == "\(SuiteTransport.current.scheme)://localhost:\(server.port)/v1/stream/a")
            #expect(first["Content-Type"] == "text/plain")
            let again = try await server.ask(.PUT, "a", ["Content-Type": "TEXT/PLAIN", "Stream-TTL": "60"])
            #expect(again.status == 200)
            #expect(again.next == first.next)
            for other: KeyValuePairs in [
                ["Content-Type": "text/html", "Stream-TTL": "60"], ["Content-Type": "text/plain"],
                ["Content-Type": "text/plain", "Stream-TTL": "61"],
            ] {
                #expect(try await server.ask(.PUT, "a", other).status == 409)
            }
        }
    }

    @Test("5.1: PUT MUST compare Stream-Closed with the state of the stream", arguments: Keeping.allCases)
    func closureIsCompared(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("open")
            #expect(try await server.ask(.PUT, "open", ["Content-Type": "text/plain"]).status == 200)
            let closing: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Closed": "true"]
            #expect(try await server.ask(.PUT, "open", closing).status == 409)
            let made = try await server.ask(.PUT, "closed", closing, body: "all of it")
            #expect(made.status == 201)
            #expect(made["Stream-Closed"] == "true")
            #expect(try await server.ask(.PUT, "closed", closing).status == 200)
            #expect(try await server.ask(.PUT, "closed", ["Content-Type": "text/plain"]).status == 409)
            #expect(try await server.read("closed").body == "all of it")
        }
    }

    @Test(
        "5.1: Stream-TTL MUST be a decimal integer without sign, leading zero, point or exponent",
        arguments: Keeping.allCases,
        ["+3600", "03600", "3600.0", "3.6e3", "-1", "", "abc", " "]
    )
    func badTTL(_ keeping: Keeping, _ value: String) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            #expect(try await server.ask(.PUT, "a", ["Stream-TTL": value]).status == 400)
        }
    }

    @Test("5.1: both Stream-TTL and Stream-Expires-At, or a time that is none, is 400", arguments: Keeping.allCases)
    func badExpiry(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let both: KeyValuePairs = ["Stream-TTL": "60", "Stream-Expires-At": "2099-01-01T00:00:00Z"]
            #expect(try await server.ask(.PUT, "a", both).status == 400)
            #expect(try await server.ask(.PUT, "a", ["Stream-Expires-At": "tomorrow"]).status == 400)
            #expect(try await server.ask(.PUT, "a", ["Stream-Expires-At": "2099-01-01T01:00:00+01:00"]).status == 201)
        }
    }

    @Test(
        "5.1: each read and write restarts Stream-TTL, HEAD does not; then the stream is gone",
        arguments: Keeping.allCases
    )
    func slidingTTL(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-TTL": "10"])
            server.time.advance(by: .seconds(9))
            #expect(try await server.read("a").status == 200)
            server.time.advance(by: .seconds(9))
            #expect(try await server.append("a", "x").status == 204)
            server.time.advance(by: .seconds(9))
            #expect(try await server.ask(.HEAD, "a").status == 200)
            server.time.advance(by: .seconds(1))
            #expect(try await server.ask(.HEAD, "a").status == 404)
            #expect(try await server.read("a").status == 404)
            #expect(try await server.append("a", "x").status == 404)
            #expect(try await server.ask(.DELETE, "a").status == 404)
            #expect(try await server.ask(.PUT, "a", ["Content-Type": "text/html"]).status == 201)
        }
    }

    @Test("5.1: a stream that is followed does not expire, though nothing comes", arguments: Keeping.allCases)
    func followedStreamsLive(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-TTL": "10"])
            let poll = try await server.poll("a", "offset=-1")
            server.time.advance(by: .seconds(100))
            try await server.streams.sweep()
            #expect(try await server.append("a", "x").status == 204)
            #expect(try await poll.whole().body == "x")
        }
    }

    @Test("5.1: Stream-Expires-At holds whatever happens to the stream", arguments: Keeping.allCases)
    func absoluteExpiry(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            // The test's clock stands at 15 January 2027, 08:00:00 UTC.
            try await server.ask(
                .PUT,
                "a",
                ["Content-Type": "text/plain", "Stream-Expires-At": "2027-01-15T08:00:10Z"]
            )
            server.time.advance(by: .seconds(9))
            #expect(try await server.append("a", "x").status == 204)
            server.time.advance(by: .seconds(1))
            #expect(try await server.read("a").status == 404)
        }
    }

    @Test(
        "5.2: a body MUST have the stream's type (409) and one at all (400); an empty one MUST be 400",
        arguments: Keeping.allCases
    )
    func appendsAreChecked(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            #expect(try await server.append("a", "x", "text/html").status == 409)
            #expect(try await server.ask(.POST, "a", body: "x").status == 400)
            #expect(try await server.ask(.POST, "a", ["Content-Type": "text/plain"]).status == 400)
            #expect(try await server.append("none", "x").status == 404)
            #expect(try await server.append("a", "x", "text/plain; charset=utf-8").status == 204)
            #expect(try await server.read("a").body == "x")
        }
    }

    @Test("5.2: Stream-Seq MUST grow, byte by byte; what is not kept does not count", arguments: Keeping.allCases)
    func streamSequence(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            for (value, status) in [("2", 204), ("2", 409), ("10", 409), ("a", 204), ("Z", 409), ("b", 204)] {
                let headers: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Seq": value]
                #expect(try await server.ask(.POST, "a", headers, body: value).status == status, "\(value)")
            }
            #expect(try await server.read("a").body == "2ab")
        }
    }

    @Test(
        "4.1: Stream-Closed is `true` in any case; every other value MUST count as absent",
        arguments: Keeping.allCases,
        [
            ("true", true), ("TRUE", true), ("True", true), ("false", false), ("yes", false), ("1", false), ("", false),
        ]
    )
    func onlyTrueCloses(_ keeping: Keeping, _ example: (String, Bool)) async throws {
        let (value, closes) = example
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let headers: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Closed": value]
            #expect(try await server.ask(.POST, "a", headers, body: "x").status == 204)
            #expect(try await server.ask(.HEAD, "a")["Stream-Closed"] == (closes ? "true" : nil))
        }
    }

    @Test(
        "5.2, 5.3: after the close an append MUST be 409 with Stream-Closed and the last offset; closing again is 204",
        arguments: Keeping.allCases
    )
    func closedStreams(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let kept = try await server.append("a", "x")
            let closed = try await server.close("a")
            #expect(closed.status == 204)
            #expect(closed["Stream-Closed"] == "true")
            #expect(closed.next == kept.next)
            #expect(try await server.close("a").status == 204)
            let withBody: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Closed": "true"]
            for refused in [
                try await server.append("a", "y"), try await server.append("a", "y", "text/html"),
                try await server.ask(.POST, "a", withBody, body: "y"),
                try await server.ask(.POST, "a", ["Content-Type": "text/plain", "Stream-Seq": "1"], body: "y"),
            ] {
                #expect(refused.status == 409)
                #expect(refused["Stream-Closed"] == "true")
                #expect(refused.next == kept.next)
            }
            #expect(try await server.close("none").status == 404)
        }
    }

    @Test("5.2: a close without a body MUST NOT be refused for its Content-Type", arguments: Keeping.allCases)
    func closingNeedsNoType(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let closing: KeyValuePairs = ["Content-Type": "application/json", "Stream-Closed": "true"]
            #expect(try await server.ask(.POST, "a", closing).status == 204)
            #expect(try await server.ask(.HEAD, "a")["Stream-Closed"] == "true")
        }
    }

    @Test("5.2: the last append and the close are one step", arguments: Keeping.allCases)
    func appendAndClose(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let poll = try await server.poll("a", "offset=-1")
            let headers: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Closed": "true"]
            let last = try await server.ask(.POST, "a", headers, body: "last")
            #expect(last["Stream-Closed"] == "true")
            let read = try await poll.whole()
            #expect(read.status == 200)
            #expect(read.body == "last")
            #expect(read["Stream-Closed"] == "true")
            #expect(read.next == last.next)
        }
    }

    @Test(
        "5.5: HEAD tells type, tail, time to live and closure, and is not kept by caches",
        arguments: Keeping.allCases
    )
    func metadata(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-TTL": "60"])
            let tail = try await server.append("a", "x").next
            let open = try await server.ask(.HEAD, "a")
            #expect(open.status == 200)
            #expect(open["Content-Type"] == "text/plain")
            #expect(open.next == tail)
            #expect(open["Stream-TTL"] == "60")
            #expect(open["Stream-Closed"] == nil)
            #expect(open["Cache-Control"] == "no-store")
            try await server.close("a")
            #expect(try await server.ask(.HEAD, "a")["Stream-Closed"] == "true")
            #expect(try await server.ask(.HEAD, "none").status == 404)
        }
    }

    @Test(
        "5.4: DELETE takes the stream and its data; a new one of the name shares no offset with it",
        arguments: Keeping.allCases
    )
    func deletion(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let old = try await server.append("a", "old").next
            #expect(try await server.ask(.DELETE, "a").status == 204)
            #expect(try await server.ask(.DELETE, "a").status == 404)
            try await server.create("a")
            #expect(try await server.append("a", "new").next > old)
            #expect(try await server.read("a").body == "new")
            #expect(try await server.read("a", "offset=\(old)").status == 410)
        }
    }

    @Test("12.7: every response forbids sniffing and says who may embed it", arguments: Keeping.allCases)
    func securityHeaders(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let answers = [
                try await server.create("a"), try await server.append("a", "x"), try await server.read("a"),
                try await server.ask(.HEAD, "a"), try await server.read("none"), try await server.read("a", "offset=,"),
                try await server.close("a"), try await server.read("a", "offset=now&live=long-poll"),
                try await server.read("a", "offset=now&live=sse"), try await server.ask(.DELETE, "a"),
            ]
            for answer in answers {
                #expect(answer["X-Content-Type-Options"] == "nosniff")
                #expect(answer["Cross-Origin-Resource-Policy"] == "same-origin")
            }
        }
    }

    @Test("6: the subscription APIs, which are not offered, answer 501", arguments: Keeping.allCases)
    func subscriptions(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            #expect(try await server.ask(.PUT, "__ds/subscriptions/a", body: "{}").status == 501)
            #expect(try await server.ask(.GET, "__ds/jwks.json").status == 501)
        }
    }
}
