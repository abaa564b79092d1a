import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("Of an upstream's header a caller is told")
struct ResponseFieldsTests {
    private static let ours = [HeaderField("Content-Security-Policy", "sandbox; default-src 'none'")]
    private static let ofBody = ["Content-Type", "content-encoding", "Content-Range"]
    private static let usual = [
        "Retry-After", "retry-after-ms", "x-ratelimit-remaining-tokens", "X-Should-Retry", "request-id", "X-Request-Id",
        "openai-processing-ms", "OpenAI-Version", "anthropic-ratelimit-requests-limit", "anthropic-organization-id",
    ]
    private static let others = [
        "Clear-Site-Data", "Refresh", "Service-Worker-Allowed", "NEL", "Report-To", "Reporting-Endpoints",
        "WWW-Authenticate", "X-Sendfile", "X-Accel-Redirect", "X-Accel-Buffering", "Freshet-Key", "Freshet-Request-Id",
        "Stream-Closed", "Stream-Request-Id", "Relay-Metrics", "Set-Cookie", "Location", "Link", "Content-Length",
        "Transfer-Encoding", "Connection", "Access-Control-Allow-Origin", "Content-Security-Policy",
        "Strict-Transport-Security", "Alt-Svc", "Server", "Date", "Cache-Control", "ETag", "Content-Disposition", "x-a",
    ]

    private func sent(_ names: [String]) -> [HeaderField] { names.map { HeaderField($0, "1") } }

    @Test("what is on the list, in a sandbox, and nothing that is kept by others")
    func passed() {
        let told = ResponseFields().ofPassed(sent(Self.others + Self.ofBody + Self.usual))
        #expect(told == sent(Self.ofBody + Self.usual) + Self.ours + [HeaderField("Cache-Control", "no-store")])
    }

    @Test("and of an answer that becomes a stream nothing about its body")
    func stream() {
        let told = ResponseFields(further: ["cache-control"]).ofStream(sent(Self.others + Self.ofBody + Self.usual))
        #expect(told == sent(Self.usual) + Self.ours)
    }

    @Test("what the operator names too, but never what would rule somebody in this server's name")
    func further() {
        let told = ResponseFields(further: ["X-A", "cache-control", "etag", "set-cookie", "refresh", "stream-closed"])
            .ofPassed(sent(Self.others))
        #expect(told == sent(["Cache-Control", "ETag", "x-a"]) + Self.ours)
    }

    @Test(
        "nothing that rules a page, a browser or a cache, also where the operator names it",
        arguments: [
            "Content-Security-Policy-Report-Only", "Permissions-Policy-Report-Only", "Document-Isolation-Policy",
            "Integrity-Policy", "Require-Document-Policy", "X-Content-Security-Policy", "X-WebKit-CSP",
            "Attribution-Reporting-Register-Source", "No-Vary-Search", "Delegate-CH", "CDN-Cache-Control",
        ]
    )
    func rules(name: String) {
        #expect(ForeignFields.isReserved(name))
        let told = ResponseFields(further: [name]).ofPassed(sent([name, "RateLimit-Policy"]))
        #expect(!told.contains { $0.name == name })
        #expect(!ForeignFields.isReserved("RateLimit-Policy"))
    }

    @Test("nothing that belongs to the connection with the upstream")
    func hops() {
        let fields = [HeaderField("Connection", "close, X-Request-Id"), HeaderField("x-request-id", "1")]
        #expect(!ResponseFields().ofPassed(fields).contains { $0.name == "x-request-id" })
    }

    @Test("the same when it is told again")
    func again() {
        let told = ResponseFields().ofPassed(sent(Self.others + Self.ofBody + Self.usual))
        #expect(ResponseFields().ofPassed(told) == told)
    }

    @Test("of an event stream that no proxy may hold it back")
    func events() {
        let told = ResponseFields().ofPassed([HeaderField("Content-Type", "Text/Event-Stream; charset=utf-8")])
        #expect(told.contains(HeaderField("X-Accel-Buffering", "no")))
    }
}
