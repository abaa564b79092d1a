import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("A path that names a response")
struct ResponsePathTests {
    @Test("has an id, and perhaps what of it is asked for")
    func paths() {
        func path(_ text: String, _ method: String = "GET") -> ResponsePath? { ResponsePath(text, method: method) }
        #expect(path("/responses/r") == path("/responses/r/"))
        #expect(path("/responses/r")?.id == "r" && path("/responses/r")?.rest == nil)
        #expect(path("/Responses/r/cancel", "POST")?.rest == "cancel")
        #expect(path("/responses/r/input_items/x")?.rest == "input_items/x")
        for none in ["/responses", "/responses/", "/response/r", "/responsesx/r", "/chat/completions", "", "/"] {
            #expect(path(none) == nil, "\(none)")
        }
        #expect(path("/responses/input_tokens", "POST") == nil)
        #expect(path("/responses/compact", "POST") == nil)
        #expect(path("/responses/compact") != nil)
    }

    @Test("is named by an upstream that lists it, or everything below, and not by the making of responses")
    func named() throws {
        func names(_ allowed: [String]) throws -> Bool {
            let upstream = Upstream(name: "u", kind: .openai, baseURL: "http://u/v1", key: .none, allowed: allowed)
            return upstream.names(try UpstreamPath("/responses/r/cancel"))
        }
        #expect(try names(["/responses/*"]))
        #expect(try names(["/responses/r"]))
        #expect(try !names(["/responses"]))
        #expect(try !names(["/responses/rx"]))
        #expect(try !names([]))
        let folder = Upstream(name: "u", kind: .openai, baseURL: "http://u/v1", key: .none, allowed: ["/responses/*"])
        #expect(folder.allows(try UpstreamPath("/responses/r")))
        #expect(!folder.allows(try UpstreamPath("/responses")))
        #expect(!folder.allows(try UpstreamPath("/responses/")))
        #expect(!folder.allows(try UpstreamPath("/responsesx/r")))
    }

    @Test("may be asked for as a stream, after a number")
    func query() throws {
        let plain = try ResponseQuery("")
        #expect(!plain.isStreaming && plain.startingAfter == nil)
        let both = try ResponseQuery("?include_obfuscation=false&stream=true&starting%5Fafter=41")
        #expect(both.isStreaming && both.startingAfter == 41)
        for bad in ["", "x", "1.5", "99999999999999999999"] {
            #expect(throws: Problem.badStartingAfter) { try ResponseQuery("?starting_after=\(bad)") }
        }
    }

    @Test("names each of what it reads once, and what it does not read as often as it likes")
    func repeated() throws {
        for (name, query) in [
            ("starting_after", "?starting_after=1&starting_after=1"),
            ("starting_after", "?starting_after=1&stream=true&starting%5Fafter=2"),
            ("stream", "?stream=true&stream=false"), ("stream", "?stream&stream=true"),
        ] {
            #expect(throws: Problem.repeatedParameter(name), "\(query)") { try ResponseQuery(query) }
        }
        #expect(try ResponseQuery("?include[]=a&include[]=b&stream=1").isStreaming)
    }
}
