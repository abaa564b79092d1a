import StreamHTTP
import Testing

@testable import CompletionRelay

@Suite("What a caller is told of an upstream's header")
struct HeaderRulesTests {
    private let sent = [
        HeaderField("Content-Type", "text/event-stream"), HeaderField("X-Request-Id", "1"),
        HeaderField("Connection", "close, X-Hop"), HeaderField("X-Hop", "1"), HeaderField("Set-Cookie", "a=b"),
        HeaderField("Location", "http://elsewhere/"), HeaderField("Stream-Closed", "true"),
        HeaderField("Relay-Metrics", "tokens=0"), HeaderField("X-Accel-Redirect", "/etc/passwd"),
        HeaderField("X-Accel-Buffering", "no"), HeaderField("Access-Control-Allow-Origin", "*"),
    ]

    @Test("nothing that is between two peers, that a proxy obeys, or that this server says itself")
    func passed() {
        let names = HeaderRules.toCaller(sent, isStream: false).map(\.name)
        #expect(names == ["Content-Type", "X-Request-Id", "X-Accel-Buffering"])
    }

    @Test("and of a stream nothing about its body")
    func stream() {
        #expect(HeaderRules.toCaller(sent, isStream: true).map(\.name) == ["X-Request-Id"])
    }
}
