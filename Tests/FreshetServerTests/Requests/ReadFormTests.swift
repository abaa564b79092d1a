import StreamHTTP
import Testing

@testable import FreshetServer

@Suite("Which response a GET gets")
struct ReadFormTests {
    @Test(
        "the Accept that names a form decides: the higher quality, then server-sent events",
        arguments: [
            ("text/event-stream", ReadForm.native(.sse)), ("application/x-ndjson", .native(.ndjson)),
            ("TEXT/Event-Stream; charset=utf-8", .native(.sse)),
            ("application/x-ndjson, text/event-stream", .native(.sse)),
            ("text/event-stream;q=0.5, application/x-ndjson;q=0.6", .native(.ndjson)),
            ("text/event-stream;q=0", .catchUp), ("text/event-stream;q=0.000, */*", .catchUp),
            ("text/event-stream;q=0.001", .native(.sse)), ("*/*", .catchUp), ("text/*", .catchUp),
            ("text/html, */*;q=0.8", .catchUp), ("text/event-stream;q=nonsense", .native(.sse)), (",,;", .catchUp),
            ("text/event-streams", .catchUp), ("", .catchUp),
        ]
    )
    func accept(header: String, form: ReadForm) throws {
        #expect(try ReadForm.negotiate(RequestTarget("/v1/stream/a"), accept: [header]) == form)
    }

    @Test("live wins over as, and as over Accept")
    func precedence() throws {
        let accept = ["text/event-stream"]
        let form = { (query: String) in try ReadForm.negotiate(RequestTarget("/a?\(query)"), accept: accept) }
        #expect(try form("live=sse&as=ndjson") == .durableStreams("sse"))
        #expect(try form("as=ndjson") == .native(.ndjson))
        #expect(try form("as=sse") == .native(.sse))
        #expect(try form("as=plain") == .plain)
        #expect(try form("live=sse&as=plain") == .durableStreams("sse"))
        #expect(throws: Problem.self) { try form("as=xml") }
        #expect(try ReadForm.negotiate(RequestTarget("/a"), accept: []) == .catchUp)
        #expect(try ReadForm.negotiate(RequestTarget("/a"), accept: ["*/*", "text/event-stream"]) == .native(.sse))
    }
}
