import NIOHTTP1
import StoreSuite
import StreamCore
import Testing

@testable import FreshetServer
@testable import StreamHTTP

/// Whatever was acknowledged before a request was whole is in its response, and what comes between two looks of the
/// same request does not make it tell two stories.
@Suite("Answers follow the store's order", .timeLimit(.minutes(10)))
struct OrderTests {
    private static let numbered: Desk.Fields = [("Producer-Id", "p"), ("Producer-Epoch", "0"), ("Producer-Seq", "0")]
    private static let closing: Desk.Fields = [("Stream-Closed", "true")]
    private static let text: Desk.Fields = [("Content-Type", "text/plain")]

    private func run(_ keeping: Keeping, _ body: (Desk) async throws -> Void) async throws {
        try await Desk.run(keeping) { desk in
            try await desk.ask(.PUT, "", Self.text)
            try await body(desk)
            #expect(desk.store.unfinished.isEmpty)
        }
    }

    @Test("every response after an acknowledged Stop tells of it", arguments: Keeping.allCases)
    func afterwards(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            try await desk.ask(.POST, "", Self.text, Self.numbered, body: "one")
            let before = try await desk.ask(.GET)
            let tag = try #require(before["ETag"])
            let tail = try #require(before["Stream-Next-Offset"])
            try await desk.cancel()
            var told: [Desk.Told] = []
            told.append(try await desk.ask(.HEAD))
            told.append(try await desk.ask(.GET, "", [("If-None-Match", tag)]))
            told.append(try await desk.ask(.GET, "?offset=now"))
            told.append(try await desk.ask(.GET, "?offset=\(tail)"))
            told.append(try await desk.ask(.GET, "?live=long-poll&offset=\(tail)"))
            told.append(try await desk.ask(.GET, "?live=long-poll&offset=now"))
            told.append(try await desk.ask(.POST, "", [("Stream-Cancel", "true")]))
            told.append(try await desk.ask(.POST, "", Self.closing))
            for told in told {
                #expect(told.status == 200 || told.status == 204)
                #expect(told["Stream-Closed"] == "true" && told.reason == "cancelled", "\(told)")
            }
            told = []
            told.append(try await desk.ask(.POST, "", [("Stream-Lease", "30")]))
            told.append(try await desk.ask(.POST, "", Self.text, body: "late"))
            told.append(try await desk.ask(.POST, "", Self.text, Self.numbered, body: "one"))
            told.append(try await desk.ask(.POST, "", Self.text, Self.closing, body: "late"))
            for told in told {
                #expect(told.status == 409 && told.isProblem("stream-ended"), "\(told)")
                #expect(told.reason == "cancelled")
            }
            #expect(try await desk.ask(.PUT, "", Self.text).isProblem("stream-differs"))
            #expect(try await desk.ask(.GET, "/v1/streams").text.contains("\"end\":{\"reason\":\"cancelled\""))
            let end = try #require(try await desk.streams.info(desk.name)?.end)
            let again: Desk.Fields = [("Accept", "text/event-stream"), ("Last-Event-ID", end.offset.text)]
            let eventSource = try await desk.ask(.GET, "", again)
            #expect(eventSource.status == 204 && eventSource.reason == "cancelled")
        }
    }

    @Test(
        "an append, a retry, an end and a lease are told of a Stop that came between their looks",
        arguments: Keeping.allCases
    )
    func between(keeping: Keeping) async throws {
        struct Request {
            var fields: [Desk.Fields]
            var body = ""
            var call = SteppedStore.Call.append
            var status = 409
        }
        let requests = [
            Request(fields: [Self.text], body: "late"), Request(fields: [Self.text, Self.closing], body: "late"),
            Request(fields: [Self.text, Self.numbered], body: "one"),
            Request(fields: [[("Stream-Lease", "30")]], call: .setLease), Request(fields: [Self.closing], status: 204),
        ]
        for request in requests {
            try await run(keeping) { desk in
                try await desk.ask(.POST, "", Self.text, Self.numbered, body: "one")
                desk.store.before(request.call) { try await desk.cancel() }
                let reply = await desk.reply(.POST, "", request.fields, body: request.body)
                guard case .response(let response) = reply else { throw UnexpectedOutcome("\(request)") }
                let told = Desk.Told(response)
                #expect(told.status == request.status && told.reason == "cancelled", "\(request): \(told)")
                if request.body == "one" { #expect(told["Producer-Seq"] == "0") }
                #expect(try await desk.ask(.GET).text == "one")
            }
        }
    }

    @Test("a Stop is told of an end that came first", arguments: Keeping.allCases)
    func stopAfterEnd(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            desk.store.before(.append) { try await desk.ask(.POST, "", Self.closing) }
            let told = try await desk.ask(.POST, "", [("Stream-Cancel", "true")])
            #expect(told.status == 204 && told.reason == "done")
        }
    }

    @Test("an ETag of an open stream is none of the ended one, whenever it ended", arguments: Keeping.allCases)
    func tags(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            try await desk.ask(.POST, "", Self.text, body: "one")
            let tag = try #require(try await desk.ask(.GET)["ETag"])
            #expect(try await desk.ask(.GET, "", [("If-None-Match", tag)]).status == 304)
            desk.store.before(.read) { try await desk.cancel() }
            let told = try await desk.ask(.GET, "", [("If-None-Match", tag)])
            #expect(told.status == 200 && told.reason == "cancelled" && told["ETag"] != tag)
            let last = try #require(told["ETag"])
            #expect(try await desk.ask(.GET, "", [("If-None-Match", last)]).status == 304)
        }
    }

    @Test("creating again is decided by the stream as it is then", arguments: Keeping.allCases)
    func creating(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            desk.store.before(.create) { try await desk.cancel() }
            let told = try await desk.ask(.PUT, "", Self.text)
            #expect(told.status == 409 && told.reason == "cancelled" && told.isProblem("stream-differs"))
        }
    }

    @Test("a fork begins with what its source holds then, and does not inherit its end", arguments: Keeping.allCases)
    func forking(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            desk.store.before(.create) { try await desk.ask(.POST, "", Self.text, Self.closing, body: "last") }
            let fork = try await desk.ask(.PUT, "/v1/stream/f", [("Stream-Forked-From", "/v1/stream/s")])
            #expect(fork.status == 201 && fork.reason == nil)
            let told = try await desk.ask(.GET, "/v1/stream/f")
            #expect(told.text == "last" && told.reason == nil)
        }
    }

    @Test("a numbered append is kept with its number by the stream that has the name then", arguments: Keeping.allCases)
    func madeAnew(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            try await desk.cancel()
            desk.store.before(.append) {
                try await desk.ask(.DELETE)
                try await desk.ask(.PUT, "", Self.text)
            }
            #expect(try await desk.ask(.POST, "", Self.text, Self.numbered, body: "one").status == 200)
            #expect(try await desk.ask(.POST, "", Self.text, Self.numbered, body: "one").status == 204)
            #expect(try await desk.ask(.GET).text == "one")
        }
    }

    /// A body that is not of its type reaches an ended stream as its number alone. Were that then given to another
    /// stream of the name, that one would count the number as kept, and lose the body that is sent with it.
    @Test("a numbered append without its body takes no number of a stream made anew", arguments: Keeping.allCases)
    func madeAnewWithoutBody(keeping: Keeping) async throws {
        let json = [("Content-Type", "application/json")]
        try await run(keeping) { desk in
            try await desk.ask(.DELETE)
            try await desk.ask(.PUT, "", json)
            try await desk.cancel()
            desk.store.before(.append) {
                try await desk.ask(.DELETE)
                try await desk.ask(.PUT, "", json)
            }
            let told = try await desk.ask(.POST, "", json, Self.numbered, body: "{")
            #expect(told.status == 404, "\(told)")
            #expect(try await desk.ask(.POST, "", json, Self.numbered, body: "1").status == 200)
            #expect(try await desk.ask(.GET).text == "[1]")
        }
    }

    @Test("a long-poll is told of an end that came between its looks", arguments: Keeping.allCases)
    func longPoll(keeping: Keeping) async throws {
        try await run(keeping) { desk in
            desk.store.before(.read) { try await desk.cancel() }
            let told = try await desk.ask(.GET, "?live=long-poll&offset=now")
            #expect(told.status == 204 && told.reason == "cancelled")
        }
    }
}
