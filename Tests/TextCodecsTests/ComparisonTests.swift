import Testing
import TextCodecs

/// Comparisons by bytes, against what `utf8`, a sequence, says.
@Suite("Comparison of bytes")
struct ComparisonTests {
    /// Short and long ones, which `String` keeps differently; bytes that only differ by bit 5; one text in two spellings.
    private static let texts = [
        "", "a", "A", "/", "/v1/stream/", "/v1/streams", "content-type", "Content-Type", "content_type", "@", "`", "[",
        "{",
        "a text of more than fifteen bytes", "A TEXT of more than fifteen bytes", "a text of more than fifteen byteS",
        "a text of more than fifteen", "caf\u{E9}", "cafe\u{301}", "caf\u{C9}", "\u{0}", "a\u{0}", "a\u{0}b",
    ]

    @Test("say what the bytes say, of every pair", arguments: texts)
    func pairs(_ left: String) {
        for right in Self.texts {
            #expect(left.hasBytes(of: right) == Array(left.utf8).elementsEqual(Array(right.utf8)), "\(left) \(right)")
            let begins = Array(left.utf8).starts(with: Array(right.utf8))
            #expect(left.begins(withBytesOf: right) == begins, "\(left) \(right)")
            let (low, other) = (left.utf8.map(Self.lowercased), right.utf8.map(Self.lowercased))
            #expect(left.hasBytesIgnoringCase(of: right) == (low == other), "\(left) \(right)")
            #expect(left.begins(withBytesIgnoringCaseOf: right) == low.starts(with: other), "\(left) \(right)")
        }
    }

    @Test("go on to the last byte of a part of a text")
    func parts() {
        let whole = "x/v1/stream/a name of more than fifteen bytes"
        let part = String(whole.dropFirst())
        #expect(part.begins(withBytesOf: "/v1/stream/a name of more than fifteen bytes"))
        #expect(!part.begins(withBytesOf: "/v1/stream/a name of more than fifteen byteS"))
        #expect(!part.begins(withBytesOf: whole))
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }
}
