import Testing

@testable import EventSource

@Suite struct URLTroubleTests {
    @Test(arguments: [
        ("http://h/a b", "has a space, which a URL has percent-encoded; write http://h/a%20b"),
        ("http://h/ä", "has the character 'ä', which a URL has percent-encoded; write http://h/%C3%A4"),
        ("http://h/a\u{0308}", "write http://h/a%CC%88"),
        ("http://h/?q={1}", "has the character '{', which a URL has percent-encoded; write http://h/?q=%7B1%7D"),
        ("http://h:80/a\nb", "has a control character, which a URL has percent-encoded; write http://h:80/a%0Ab"),
        ("http://this host/", "the host of 'http://this host/' has a space"),
        ("https://höst:1/x", "the host of 'https://höst:1/x' has the character 'ö'"),
        ("http://h:65536/x", "the port of 'http://h:65536/x' is '65536', not a number from 1 to 65535"),
        ("http://[::1]:99999999999999999999/", "is '99999999999999999999', not a number from 1 to 65535"),
        ("http://u:p@h:70000/", "is '70000', not a number from 1 to 65535"),
        ("http://h:x/", "is 'x', not a number from 1 to 65535"),
        ("http:///x", "names no host"), ("http://", "names no host"), ("http://:80/x", "names no host"),
        ("http://h/%4", "has a % that no two hexadecimal digits follow"),
        ("http://h/100%", "has a % that no two hexadecimal digits follow"),
        ("ftp://h/x", "begins with 'ftp://'"), ("localhost:4437", "does not begin with http:// or https://"),
        ("", "does not begin with http:// or https://"),
    ])
    func `What is wrong with a URL is told in its own words`(text: String, told: String) {
        #expect(Target(text) == nil)
        #expect(URLTrouble.describe(text, example: "http://e/").contains(told))
    }

    @Test func `The URL to write instead is one`() {
        #expect(Target("http://h/a%20b") != nil)
        #expect(Target("http://h/%C3%A4") != nil)
        #expect(Target("http://h/?q=%7B1%7D") != nil)
    }
}
