import ProxyConfiguration
import Testing

@Suite("Values of a proxy's configuration")
struct ValueTests {
    @Test(
        "A path ends with a slash, so that /v1 does not mean /v10",
        arguments: [("/", "/"), ("/v1", "/v1/"), ("/v1/", "/v1/")]
    )
    func path(given: String, kept: String) throws {
        #expect(try PathPrefix(given).text == kept)
    }

    @Test("A path may hold what every proxy compares as it stands")
    func oddPath() throws {
        let odd = "/a-b.c_d~e!f$g&hi(j)k+l,mn=o:p@q/"
        #expect(try PathPrefix(odd).text == odd)
    }

    @Test(
        "A path that one proxy reads in another way than the next is refused",
        arguments: [
            "", "v1/", "/a b/", "/a\n/", "/a\t/", "/a\"/", "/a\\/", "/a#b/", "/a{b}/", "/a`b/", "/a*/", "/a'b/",
            "/a;b/", "/a?b/", "/a%20b/", "/ä/",
            "/a[b]/", "/a<b>/", "/a|b/", "/a^b/", "/a\u{0}b/", "/a\r\nb/", "//", "/a//b/", "/a/../b/", "/./", "/..",
            "/" + String(repeating: "a", count: 300),
        ]
    )
    func refusedPath(path: String) {
        let error = #expect(throws: ProxyValueError.self) { try PathPrefix(path) }
        #expect(error?.description.contains("\n") == false, "what was given is shown on one line")
    }

    @Test(
        "An upstream is an origin of http",
        arguments: [
            ("http://127.0.0.1:4437", "127.0.0.1:4437"), ("http://freshet.internal", "freshet.internal:80"),
            ("HTTP://[::1]:4437/", "[::1]:4437"), ("http://freshet_1:80", "freshet_1:80"),
        ]
    )
    func upstream(given: String, authority: String) throws {
        #expect(try UpstreamURL(given).authority == authority)
    }

    @Test(
        "Anything else is no upstream",
        arguments: [
            "", "127.0.0.1:4437", "https://127.0.0.1", "http://", "http://:80", "http://a:0", "http://a:65536",
            "http://a:+80",
            "http://a:80/path", "http://a/?q", "http://user@a", "http://a b", "http://a;", "http://a\n", "http://[::1",
            "http://[a]:80",
            "http://-a", "http://a..b", "http://a:80:80", "http://[::1%eth0]:80", "http://\"a\"", "http://a:٣",
        ]
    )
    func refusedUpstream(text: String) {
        #expect(throws: ProxyValueError.self) { try UpstreamURL(text) }
    }

    @Test("A proxy listens on a port, on all addresses or one")
    func listen() throws {
        #expect(try ListenAddress("8080").host == nil)
        #expect(try ListenAddress("8080").port == 8080)
        #expect(try ListenAddress("127.0.0.1:80").host == "127.0.0.1")
        #expect(try ListenAddress("[::1]:80").host == "::1")
        for wrong in ["", "0", "65536", "a", ":80", "127.0.0.1", "127.0.0.1:", "1;2:80", "80 ", "-1"] {
            #expect(throws: ProxyValueError.self, "\(wrong)") { try ListenAddress(wrong) }
        }
    }
}
