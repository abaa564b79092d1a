import NIOCore
import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer

/// Durable Streams protocol, sections 5.7, 5.8, 8 and 10: long-poll, `live=sse`, cursors.
@Suite("Durable Streams: reads that follow", .timeLimit(.minutes(10)))
struct DurableStreamsFollowTests {
    // MARK: Long-poll

    @Test(
        "5.7: data that is there MUST be answered at once, data that comes when it comes",
        arguments: Keeping.allCases
    )
    func longPoll(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            let there = try await server.read("a", "offset=-1&live=long-poll")
            #expect(there.status == 200)
            #expect(there.body == "x")
            let poll = try await server.poll("a", "offset=\(there.next)")
            let tail = try await server.append("a", "y").next
            let came = try await poll.whole()
            #expect(came.status == 200)
            #expect(came.body == "y")
            #expect(came.next == tail)
            #expect(came["Stream-Up-To-Date"] == "true")
            #expect(came["Stream-Closed"] == nil)
            #expect(came["ETag"] != nil)
            #expect(came["Stream-Cursor"] != nil)
        }
    }

    @Test(
        "5.7: after the timeout 204, with tail, cursor and the word that there is no more",
        arguments: Keeping.allCases
    )
    func timeout(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping, longPoll: .milliseconds(500)) { (server) async throws in
            let tail = try await server.create("a", body: "x").next
            let answer = try await server.read("a", "offset=\(tail)&live=long-poll")
            #expect(answer.status == 204)
            #expect(answer.next == tail)
            #expect(answer["Stream-Up-To-Date"] == "true")
            #expect(answer["Stream-Cursor"] != nil)
            #expect(answer["Stream-Closed"] == nil)
        }
    }

    @Test(
        "5.7: at the tail of a closed stream MUST NOT wait: 204 at once, with Stream-Closed and Stream-Up-To-Date",
        arguments: Keeping.allCases
    )
    func closed(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let tail = try await server.create("a", body: "x").next
            try await server.close("a")
            for query in ["offset=\(tail)", "offset=now"] {
                let answer = try await server.read("a", "\(query)&live=long-poll")
                #expect(answer.status == 204)
                #expect(answer["Stream-Closed"] == "true")
                #expect(answer["Stream-Up-To-Date"] == "true")
                #expect(answer.next == tail)
            }
            #expect(try await server.read("a", "offset=-1&live=long-poll")["Stream-Closed"] == "true")
        }
    }

    @Test("5.7: a close while it waits is told at once", arguments: Keeping.allCases)
    func closeWhileWaiting(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let poll = try await server.poll("a", "offset=now")
            try await server.close("a")
            let answer = try await poll.whole()
            #expect(answer.status == 204)
            #expect(answer["Stream-Closed"] == "true")
        }
    }

    @Test("a delete while it waits is 404", arguments: Keeping.allCases)
    func deleteWhileWaiting(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let poll = try await server.poll("a", "offset=now")
            try await server.ask(.DELETE, "a")
            #expect(try await poll.whole().status == 404)
        }
    }

    @Test("a peer that goes away while it waits is forgotten", arguments: Keeping.allCases)
    func disconnect(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            let poll = try await server.poll("a", "offset=now")
            await poll.close()
            while server.streams.attendance(of: try StreamName("a")).readers > 0 {
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    @Test("8: `now` MUST wait, and is answered with what comes and nothing before it", arguments: Keeping.allCases)
    func pollFromNow(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", "application/json", body: "[1]")
            let poll = try await server.poll("a", "offset=now")
            try await server.append("a", "[2,3]", "application/json")
            #expect(try await poll.whole().body == "[2,3]")
        }
    }

    @Test("many readers of one stream are answered with the same", arguments: Keeping.allCases)
    func crowd(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            var polls: [PendingResponse] = []
            for _ in 0..<50 { polls.append(try await server.poll("a", "offset=now")) }
            let tail = try await server.append("a", "x").next
            for poll in polls {
                let answer = try await poll.whole()
                #expect(answer.body == "x")
                #expect(answer.next == tail)
            }
            #expect(server.streams.attendance(of: try StreamName("a")).readers == 0)
        }
    }

    @Test(
        "5.7, 5.8: an offset MUST be given, once; the mode is one of two; the stream is there",
        arguments: Keeping.allCases
    )
    func badRequests(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            for mode in ["long-poll", "sse"] {
                #expect(try await server.read("a", "live=\(mode)").status == 400)
                #expect(try await server.read("a", "offset=-1&live=\(mode)&live=\(mode)").status == 400)
                #expect(try await server.read("none", "offset=-1&live=\(mode)").status == 404)
                #expect(try await server.read("none", "offset=now&live=\(mode)").status == 404)
            }
            #expect(try await server.read("a", "offset=-1&live=websocket").status == 400)
            #expect(try await server.read("a", "offset=-1&live=").status == 400)
        }
    }

    // MARK: SSE

    @Test("5.8: data, and after each a control with the offset, the cursor and upToDate", arguments: Keeping.allCases)
    func serverSentEvents(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let first = try await server.create("a", body: "x").next
            var read = try await server.follow("a")
            #expect(try await read.head().headers.first(name: "Content-Type") == "text/event-stream")
            #expect(try await read.head().headers.first(name: "Stream-SSE-Data-Encoding") == nil)
            let cursor = StreamCursor.interval(atWallMilliseconds: server.time.wallMilliseconds())
            var (data, control) = try await read.batch()
            #expect(data == "x")
            #expect(control == #"{"streamNextOffset":"\#(first)","streamCursor":"\#(cursor)","upToDate":true}"#)
            let second = try await server.append("a", "a\r\nevent: control\rdata: {}\n\nb").next
            (data, control) = try await read.batch()
            #expect(data == "a\nevent: control\ndata: {}\n\nb")
            #expect(control.contains(second))
        }
    }

    @Test(
        "5.8: the close MUST be told, with the last data where it came with it, and ends the response",
        arguments: Keeping.allCases
    )
    func closedWhileFollowed(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            var read = try await server.follow("a")
            #expect(await read.event()?.type == "control")
            let headers: KeyValuePairs = ["Content-Type": "text/plain", "Stream-Closed": "true"]
            let tail = try await server.ask(.POST, "a", headers, body: "last").next
            let (data, control) = try await read.batch()
            #expect(data == "last")
            #expect(control == #"{"streamNextOffset":"\#(tail)","upToDate":true,"streamClosed":true}"#)
            #expect(await read.event() == nil)
        }
    }

    @Test("8: of a closed stream `now` is one control and the end", arguments: Keeping.allCases)
    func closedFromNow(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let tail = try await server.create("a", body: "x").next
            try await server.close("a")
            var read = try await server.follow("a", "offset=now")
            #expect(await read.event()?.data == #"{"streamNextOffset":"\#(tail)","upToDate":true,"streamClosed":true}"#)
            #expect(await read.event() == nil)
        }
    }

    @Test("8: from `now` the first control MUST have the tail, and nothing old is sent", arguments: Keeping.allCases)
    func followFromNow(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let tail = try await server.create("a", body: "old").next
            var read = try await server.follow("a", "offset=now")
            let first = await read.event()
            #expect(first?.type == "control")
            #expect(first?.data.contains(#""streamNextOffset":"\#(tail)""#) == true)
            #expect(first?.data.contains(#""upToDate":true"#) == true)
            try await server.append("a", "new")
            #expect(try await read.batch().data == "new")
        }
    }

    @Test(
        "5.8: everything but text and JSON MUST come in base64, and be declared so",
        arguments: Keeping.allCases,
        [
            ("application/octet-stream", "hi", "aGk="), ("application/x-ndjson", "{}", "e30K"),
            ("application/x-protobuf", "abc", "YWJj"),
        ]
    )
    func base64(_ keeping: Keeping, _ example: (String, String, String)) async throws {
        let (type, body, encoded) = example
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", type, body: body)
            var read = try await server.follow("a")
            #expect(try await read.head().headers.first(name: "stream-sse-data-encoding") == "base64")
            #expect(try await read.batch().data == encoded)
        }
    }

    @Test("5.8: JSON comes as arrays of the messages", arguments: Keeping.allCases)
    func json(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", "application/json", body: #"[{"k":"v"},{"k":"w"}]"#)
            var read = try await server.follow("a")
            #expect(try await read.batch().data == #"[{"k":"v"},{"k":"w"}]"#)
            try await server.append("a", "{\n\"k\": 1}", "application/json")
            #expect(try await read.batch().data == "[{\n\"k\": 1}]")
        }
    }

    @Test("5.8: pages of a long log have upToDate only with the last", arguments: Keeping.allCases)
    func pages(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            let block = String(repeating: "x", count: 100_000)
            try await server.create("a")
            for _ in 0..<6 { try await server.append("a", block) }
            var read = try await server.follow("a")
            var length = 0
            var isUpToDate = false
            while !isUpToDate {
                let (data, control) = try await read.batch()
                length += data.count
                isUpToDate = control.contains(#""upToDate":true"#)
                #expect(isUpToDate == (length == 600_000))
            }
        }
    }

    @Test(
        "10.2: the server ends a read after its time, and the reader goes on where it was",
        arguments: Keeping.allCases
    )
    func periodicEnd(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping, durableStreamsSSE: .milliseconds(200)) { (server) async throws in
            let tail = try await server.create("a", body: "x").next
            var read = try await server.follow("a")
            #expect(try await read.batch().data == "x")
            #expect(await read.event() == nil)
            try await server.append("a", "y")
            var next = try await server.follow("a", "offset=\(tail)")
            #expect(try await next.batch().data == "y")
        }
    }

    // MARK: Cursors

    @Test("10.1: the cursor is the number of the 20 s interval since 9 October 2024")
    func cursor() {
        #expect(StreamCursor.interval(atWallMilliseconds: 1_728_432_000_000) == 0)
        #expect(StreamCursor.interval(atWallMilliseconds: 1_728_432_019_999) == 0)
        #expect(StreamCursor.interval(atWallMilliseconds: 1_728_432_020_000) == 1)
        #expect(StreamCursor.interval(atWallMilliseconds: 0) == 0)
    }

    @Test("10.1: MUST be greater than the client's, by a jitter of 1 to 3600 s, and MUST NOT go back")
    func cursorsGrow() {
        let now: UInt64 = 1_728_432_000_000 + 1000 * 20_000
        func next(_ asked: String?, _ jitter: Int) -> UInt64 {
            StreamCursor.next(after: asked, wallMilliseconds: now) { range in
                #expect(range == 1...3600)
                return jitter
            }
        }
        #expect(next(nil, 1) == 1000)
        #expect(next("999", 1) == 1000)
        #expect(next("1000", 1) == 1001)
        #expect(next("1000", 3600) == 1180)
        #expect(next("5000", 40) == 5002)
        for odd in ["", "abc", "-1", "1e9", "99999999999999999999"] { #expect(next(odd, 1) == 1000) }
    }

    @Test("10.1: both live modes answer a cursor with a later one", arguments: Keeping.allCases)
    func cursorsOnTheWire(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a", body: "x")
            let first = try #require(try await server.read("a", "offset=-1&live=long-poll")["Stream-Cursor"])
            let second = try await server.read("a", "offset=-1&live=long-poll&cursor=\(first)")["Stream-Cursor"]
            let later = try #require(Int(second ?? ""))
            #expect(later > Int(first) ?? .max)
            var read = try await server.follow("a", "offset=-1&cursor=\(first)")
            let control = try await read.batch().control
            #expect(!control.contains(#""streamCursor":"\#(first)""#))
        }
    }

    // MARK: All views agree

    @Test(
        "native, Durable Streams and catch-up reads tell the same, whoever wrote and however",
        arguments: Keeping.allCases
    )
    func viewsAgree(keeping: Keeping) async throws {
        try await DurableStreamsServer.run(keeping) { (server) async throws in
            try await server.create("a")
            var follower = try await server.follow("a", "offset=-1")
            _ = await follower.event()
            let headers: KeyValuePairs = [
                "Content-Type": "text/plain", "Producer-Id": "p", "Producer-Epoch": "0", "Producer-Seq": "0",
            ]
            try await server.append("a", "1")
            try await server.ask(.POST, "a", headers, body: "2")
            try await server.ask(.POST, "a", ["Stream-Cancel": "true"])
            var followed = ""
            var last = ""
            while let event = await follower.event() {
                if event.type == "data" { followed += event.data } else { last = event.data }
            }
            #expect(followed == "12")
            #expect(last.contains(#""streamClosed":true"#))
            let caughtUp = try await server.read("a")
            #expect(caughtUp.body == "12")
            #expect(caughtUp["Stream-End-Reason"] == "cancelled")
            let native = try await server.ask(.GET, "a", ["Accept": "text/event-stream"])
            #expect(native.body.contains("data: 1\n") && native.body.contains("data: 2\n"))
            #expect(native.body.contains(#"data: {"reason":"cancelled"}"#))
            #expect(native.body.contains("id: \(caughtUp.next)\n"))
        }
    }
}
