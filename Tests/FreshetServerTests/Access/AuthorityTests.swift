import StoreSuite
import Testing

@testable import FreshetServer

@Suite("A host and maybe a port")
struct AuthorityTests {
    @Test("is read in one spelling for each meaning")
    func spellings() {
        for (text, host, port) in [
            ("localhost", "localhost", nil), ("Example.ORG", "example.org", nil), ("example.org.", "example.org", nil),
            ("a:1", "a", 1), ("a:", "a", nil), ("a:00080", "a", 80), ("127.0.0.1:65535", "127.0.0.1", 65_535),
            ("[::1]:4437", "[::1]", 4437), ("[0:0::1]", "[::1]", nil), ("a_b-c.d", "a_b-c.d", nil),
        ] as [(String, String, Int?)] {
            let read = Authority(parsing: text)
            #expect(read?.host == host && read?.port == port, "\(text)")
        }
        for text in [
            "", ".", "..", "a..b", ".a", "a b", "a:65536", "a:000080", "a:+1", "a:1:2", "[::1", "::1", "[a]",
            "[::1%eth0]",
            "[::1]x", "é", "a,b", "user@a", "a/", "a.:x",
        ] {
            #expect(Authority(parsing: text) == nil, "\(text)")
        }
    }

    /// A host's name in lower case, said by its labels; nil for what is none.
    private static func name(_ text: String) -> String? {
        var labels = text.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        if labels.count > 1, labels.last == [] { labels.removeLast() }
        let letters = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_".utf8)
        guard labels.allSatisfy({ !$0.isEmpty && $0.allSatisfy(letters.contains) }) else { return nil }
        return labels.map { String(decoding: $0, as: UTF8.self).lowercased() }.joined(separator: ".")
    }

    @Test("whose name is what its labels say", arguments: 0..<10 as Range<UInt64>)
    func names(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieces = ["a", "B", "0", "-", "_", ".", "..", "example", "ORG", "é", " ", "*", "@", "\u{0}"]
        var found = 0
        for _ in 0..<3000 {
            let count = Int.random(in: 0...6, using: &random)
            let text = (0..<count).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
            let read = Authority(parsing: text)
            #expect(read?.host == Self.name(text) && read?.port == nil, "\(text.debugDescription)")
            if read != nil { found += 1 }
        }
        #expect(found > 100, "hardly a name among the words")
    }
}
