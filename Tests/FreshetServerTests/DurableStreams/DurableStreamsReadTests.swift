import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

/// Durable Streams protocol, sections 5.6, 8, 9.1 and 10.1: catch-up reads, offsets, JSON, caching.
@Suite("Durable Streams: catch-up reads", .timeLimit(.minutes(10)))
struct DurableStreamsReadTests {
    @Test(
        "5.6: a read at the tail MUST say that it is up to date, and of a closed stream that it is",
        arguments: Keeping.allCases
    )
    func tail(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let tail = try await server.append("a", "x").next
            let all = try await server.read("a")
            #expect(all.body == "x")
            #expect(all.next == tail)
            #expect(all["Stream-Up-To-Date"] == "true")
            #expect(all["Stream-Closed"] == nil)
            try await server.close("a")
            for query in ["offset=-1", "offset=\(tail)", "offset=now", ""] {
                let read = try await server.read("a", query)
                #expect(read.status == 200)
                #expect(read["Stream-Closed"] == "true", "\(query)")
                #expect(read["Stream-Up-To-Date"] == "true")
                #expect(read.next == tail)
            }
            #expect(try await server.read("a", "offset=\(tail)").body == "")
        }
    }

    @Test(
        "5.6: a part says neither, and the parts joined are the whole",
        arguments: Keeping.allCases,
        [("&limit=1", 1 << 20), ("&limit=4", 1 << 20), ("&limit=999999999", 25)]
    )
    func parts(keeping: Keeping, parts: (query: String, pageBytes: Int)) async throws {
        try await DurableStreamsServer.run(keeping, pageBytes: parts.pageBytes) { (server) async throws in
            try await server.create("a")
            for number in 0..<9 { try await server.append("a", "part \(number);") }
            try await server.close("a")
            var whole = ""
            var offset = "-1"
            while true {
                let part = try await server.read("a", "offset=\(offset)\(parts.query)")
                whole += part.body
                #expect(part["Stream-Up-To-Date"] == part["Stream-Closed"])
                #expect(part.next > offset || part.body.isEmpty)
                offset = part.next
                if part["Stream-Closed"] != nil { break }
            }
            #expect(whole == (0..<9).map { "part \($0);" }.joined())
        }
    }

    @Test(
        "a limit is whole events, at least one, and anything else is 400",
        arguments: Keeping.allCases,
        ["limit=0", "limit=", "limit=-1", "limit=+1", "limit=1.5", "limit=x", "limit=1&limit=1", "limit=1000000000"]
    )
    func badLimit(_ keeping: Keeping, _ query: String) async throws {
        try await DurableStreamsServer.run(keeping, pageBytes: 1) { (server) async throws in
            try await server.create("a")
            try await server.append("a", "larger than a page")
            try await server.append("a", "more")
            #expect(try await server.read("a", query).status == 400)
            let one = try await server.read("a", "limit=7")
            #expect(one.body == "larger than a page" && one["Stream-Up-To-Date"] == nil)
        }
    }

    @Test(
        "8: offsets grow in text order; -1, nothing, and only zeros and lines are the start",
        arguments: Keeping.allCases
    )
    func offsets(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let birth = try await server.create("a").next
            var last = birth
            for _ in 0..<20 {
                let next = try await server.append("a", "x").next
                #expect(next > last)
                #expect(!next.contains { ",&=?/ ".contains($0) } && next != "-1" && next != "now")
                last = next
            }
            for query in ["offset=-1", "", "offset=\(birth)", "offset=0000000000000000_0000000000000000", "offset=0"] {
                #expect(try await server.read("a", query).body.count == 20, "\(query)")
            }
        }
    }

    @Test(
        "8: an offset that is none, or two of them, is 400",
        arguments: Keeping.allCases,
        [
            "offset=", "offset=a,b", "offset=a%20b", "offset=a%00", "offset=a%0Ab", "offset=a%0D%0Ab", "offset=a/b",
            "offset=..", "offset=-1&offset=-1", "offset=-2", "offset=NOW", "offset=a%26b",
        ]
    )
    func malformed(_ keeping: Keeping, _ query: String) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            #expect(try await server.read("a", query).status == 400)
            #expect(try await server.read("a", query + "&live=long-poll").status == 400)
            #expect(try await server.read("a", query + "&live=sse").status == 400)
        }
    }

    @Test("8: `now` is empty, at the tail, and not kept by caches; of JSON it MUST be []", arguments: Keeping.allCases)
    func now(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("text", body: "x")
            try await server.create("json", "application/json", body: "[1]")
            for (name, body) in [("text", ""), ("json", "[]")] {
                let read = try await server.read(name, "offset=now")
                #expect(read.status == 200)
                #expect(read.body == body)
                let tail = try await server.ask(.HEAD, name).next
                #expect(read.next == tail)
                #expect(read["Stream-Up-To-Date"] == "true")
                #expect(read["Cache-Control"] == "no-store")
                #expect(read["ETag"] == nil)
            }
        }
    }

    @Test(
        "10.1: a GET MUST have an ETag, which answers 304, and which MUST change with data and with the close",
        arguments: Keeping.allCases
    )
    func etags(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            let tag = try #require(try await server.read("a")["ETag"])
            func again() async throws -> DurableStreamsResponse {
                try await server.ask(.GET, "a?offset=-1", ["If-None-Match": "\"other\", \(tag)"])
            }
            let same = try await again()
            #expect(same.status == 304)
            #expect(same.body == "")
            #expect(same["ETag"] == tag)
            try await server.append("a", "y")
            let more = try await again()
            #expect(more.status == 200)
            let second = try #require(more["ETag"])
            try await server.close("a")
            let closed = try await server.ask(.GET, "a?offset=-1", ["If-None-Match": second])
            #expect(closed.status == 200)
            #expect(closed["Stream-Closed"] == "true")
        }
    }

    @Test("10.1: only names that were made public may be kept by shared caches", arguments: Keeping.allCases)
    func caching(keeping: Keeping) async throws {
        let prefix = try StreamPrefix(parsing: "public/")
        try await DurableStreamsServer.run(keeping, publicCache: [prefix]) { (server) async throws in
            try await server.create("public/a")
            try await server.create("a")
            let shared = "public, max-age=60, stale-while-revalidate=300"
            #expect(try await server.read("public/a")["Cache-Control"] == shared)
            #expect(try await server.read("a")["Cache-Control"] == "private, no-cache")
        }
    }

    @Test(
        "9.1.2: an array MUST be flattened by one level",
        arguments: Keeping.allCases,
        [
            (#"{"event":"created"}"#, #"[{"event":"created"}]"#), (#"[{"a":1},{"b":2}]"#, #"[{"a":1},{"b":2}]"#),
            ("[[1,2],[3,4]]", "[[1,2],[3,4]]"), ("[[[1,2,3]]]", "[[[1,2,3]]]"), (" [ 1 , \"a,]\" ] ", #"[1,"a,]"]"#),
        ]
    )
    func flattening(_ keeping: Keeping, _ example: (String, String)) async throws {
        let (body, shown) = example
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", "application/json")
            #expect(try await server.append("a", body, "application/json").status == 204)
            let read = try await server.read("a")
            #expect(read.body == shown)
            #expect(read["Content-Type"] == "application/json")
        }
    }

    @Test(
        "9.1.3, 9.1.4: an empty array and what is no JSON MUST be 400; a PUT of [] makes an empty stream",
        arguments: Keeping.allCases
    )
    func badJSON(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", "application/json", body: "[]")
            for body in ["[]", " [ ] ", "{", "[1,]", "nope", "1 2"] {
                #expect(try await server.append("a", body, "application/json").status == 400, "\(body)")
            }
            #expect(try await server.read("a").body == "[]")
        }
    }

    @Test(
        "5.6: what retention took is 410 with the earliest offset, in every mode; the start is what there is",
        arguments: Keeping.allCases
    )
    func retention(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.ask(.PUT, "a", ["Content-Type": "text/plain", "Stream-Retention": "events=2"])
            let first = try await server.append("a", "1").next
            for body in ["2", "3", "4"] { try await server.append("a", body) }
            for mode in ["", "&live=long-poll", "&live=sse"] {
                let gone = try await server.read("a", "offset=\(first)\(mode)")
                #expect(gone.status == 410)
                let earliest = try #require(gone["Stream-Earliest-Offset"])
                #expect(try await server.read("a", "offset=\(earliest)").body == "34")
            }
            let start = try await server.read("a")
            #expect(start.body == "34")
            #expect(start["Stream-Gap"] == "true")
        }
    }
}
