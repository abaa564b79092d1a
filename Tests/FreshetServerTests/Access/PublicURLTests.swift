import FreshetServer
import StreamHTTP
import Testing

@Suite("Where clients reach the server")
struct PublicURLTests {
    @Test(
        "a URL is an origin and a path without a slash at its end",
        arguments: [
            ("https://app.example", "https://app.example", ""), ("https://APP.example:443/", "https://app.example", ""),
            ("http://[::1]:8080/live/", "http://[::1]:8080", "/live"), ("https://a.b/x/y", "https://a.b", "/x/y"),
            ("https://a.b/caf%C3%A9", "https://a.b", "/caf%C3%A9"),
        ]
    )
    func whole(text: String, origin: String, path: String) throws {
        let url = try #require(PublicURL(parsing: text))
        #expect(url.origin.description == origin && url.path == path && url.text == origin + path)
        #expect(url.isSecure == text.hasPrefix("https"))
    }

    @Test(
        "what could be something else is none",
        arguments: [
            "", "app.example", "/live", "ftp://a.b/", "https://", "https://a.b/?x", "https://a.b/x#y",
            "https://a.b/x y",
            "https://u:p@a.b/", "https://a.b/../x", "https://a.b//x", "https://a.b/<b>", "https://a.b/é",
            "https://a.b/'",
            "https://a.b/\r\nSet-Cookie:x",
        ]
    )
    func refused(text: String) {
        #expect(PublicURL(parsing: text) == nil)
    }

    @Test("a Location of the server's is one under the path; one that is whole stays")
    func location() {
        func located(_ value: String) -> String? {
            Response(201, headers: [HeaderField("Location", value)]).located(under: "/live").headers.first?.value
        }
        #expect(located("/v1/stream/a") == "/live/v1/stream/a")
        #expect(located("https://a.b/x") == "https://a.b/x")
    }
}
