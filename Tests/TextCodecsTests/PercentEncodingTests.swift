import Testing
import TextCodecs

@Suite("Text in URLs and header fields")
struct PercentEncodingTests {
    @Test(
        "what is kept depends on the place, everything else is escaped byte by byte",
        arguments: [
            ("a-Z0._~", "a-Z0._~", "a-Z0._~"), ("a/b c", "a%2Fb%20c", "a/b%20c"),
            ("é😀", "%C3%A9%F0%9F%98%80", "%C3%A9%F0%9F%98%80"),
            ("+&=?#%\u{0}\u{7F}", "%2B%26%3D%3F%23%25%00%7F", "%2B&=%3F%23%25%00%7F"), ("", "", ""),
            ("a:b@c", "a%3Ab%40c", "a:b@c"),
        ]
    )
    func encoded(text: String, value: String, path: String) {
        #expect(PercentEncoding.encode(text, keeping: .unreserved) == value)
        #expect(PercentEncoding.encode(text, keeping: .path) == path)
        for kept in [PercentEncoding.Kept.unreserved, .unreservedAndSlash, .path] {
            let encoded = PercentEncoding.encode(text, keeping: kept)
            #expect(PercentEncoding.decode(encoded.utf8, plusIsSpace: false) == text)
        }
    }

    @Test("a slash is kept between segments only")
    func slashes() {
        #expect(PercentEncoding.encode("a/b:c", keeping: .unreservedAndSlash) == "a/b%3Ac")
    }

    @Test(
        "a broken escape, and bytes that are no UTF-8, are no text",
        arguments: ["%", "%4", "%4g", "a%", "%C3", "%FF", "%ED%A0%80"]
    )
    func broken(text: String) {
        #expect(PercentEncoding.decode(text.utf8, plusIsSpace: false) == nil)
    }

    @Test("a plus is a space in a query only, and escapes of either case are read")
    func plus() {
        #expect(PercentEncoding.decode("a+b%c3%A9".utf8, plusIsSpace: true) == "a bé")
        #expect(PercentEncoding.decode("a+b".utf8, plusIsSpace: false) == "a+b")
    }

    @Test(
        "blanks around a field's value are spaces and tabs, and nothing else",
        arguments: [
            (" \t a b\t ", "a b"), ("", ""), (" \t", ""), ("a", "a"), ("\u{A0}a\n", "\u{A0}a\n"),
            (" \u{301}", "\u{301}"),
        ]
    )
    func blanks(text: String, trimmed: String) {
        #expect(Array(text.trimmingBlanks().utf8) == Array(trimmed.utf8))
        #expect(Array(text[...].trimmingBlanks().utf8) == Array(trimmed.utf8))
        #expect(Array(text.withoutBlanksAround.utf8) == Array(trimmed.utf8))
    }
}
