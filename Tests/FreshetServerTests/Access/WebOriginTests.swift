import FreshetServer
import Testing

@Suite struct WebOriginTests {
    @Test(arguments: [
        ("https://a.example", "https://a.example"), ("HTTPS://A.Example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"), ("http://a.example:443", "http://a.example:443"),
        ("http://a.example.", "http://a.example"), ("http://[0:0:0:0:0:0:0:1]:4437", "http://[::1]:4437"),
        ("http://[2001:DB8::1]", "http://[2001:db8::1]"), ("capacitor://localhost", "capacitor://localhost"),
    ])
    func oneSpellingForEachOrigin(text: String, expected: String) {
        #expect(WebOrigin(parsing: text)?.description == expected)
    }

    @Test(arguments: [
        "", "null", "*", "a.example", "https://", "https://a/", "https://a/b", "https://u@a", "https://a:b",
        "https://a:65536", "https://a:123456", "https://a b", "https://a,https://b", "https://a https://b", "://a",
        "1http://a", "https:/a", "https://[::1", "https://[::1%25lo]", "https://[::1%lo]", "https://[a]",
        "https://[::1]x",
        "https://a..b", "https://.", "https://\u{E9}.example", "https://a\0", "https://a?", "https://a#", "https://::1",
    ])
    func whatIsNoOriginIsNone(text: String) {
        #expect(WebOrigin(parsing: text) == nil)
    }

    @Test(arguments: [
        ("http://localhost:4437", "localhost:4437", true), ("http://LOCALHOST:4437", "localhost.:4437", true),
        ("https://a.example", "a.example", true), ("https://a.example", "a.example:443", true),
        ("http://a.example", "a.example:80", true), ("http://a.example", "a.example:443", false),
        ("https://a.example", "a.example:80", false), ("http://a.example:8080", "a.example", false),
        ("http://[::1]:1", "[0::1]:1", true), ("http://a.example.evil", "a.example", false),
        ("http://xa.example", "a.example", false), ("ftp://a.example", "a.example", false), ("http://a", "", false),
        ("http://a", "a/b", false),
    ])
    func anOriginIsOwnIfHostAndPortAreThoseAskedFor(origin: String, host: String, own: Bool) throws {
        #expect(try #require(WebOrigin(parsing: origin)).isOwn(host: host) == own)
    }

    @Test(arguments: [
        ("https://a.example", "a.example", true), ("https://a.example:4437", "a.example:4437", true),
        ("http://a.example", "a.example", false), ("http://a.example:443", "a.example:443", false),
        ("http://a.example:443", "a.example", false),
    ])
    func overTLSAnOriginIsOwnIfItsSchemeIsToo(origin: String, host: String, own: Bool) throws {
        #expect(try #require(WebOrigin(parsing: origin)).isOwn(host: host, isSecure: true) == own)
    }
}
