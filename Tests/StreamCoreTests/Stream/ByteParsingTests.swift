import StoreSuite
import StreamCore
import Testing

/// Names and types are read from bytes. Here is what they mean, said as plainly as text allows, and both are asked of the
/// same made-up words.
@Suite("What is read from bytes is what its text means")
struct ByteParsingTests {
    /// Words of a few pieces each, the same for the same seed.
    private static func words(_ pieces: [String], seed: UInt64) -> [String] {
        var random = SeededRandom(seed: seed)
        return (0..<3000).map { _ in
            (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
        }
    }

    // MARK: Media types

    /// The text that is kept, and the name without parameters in lower case; nil for what is no type.
    private static func type(_ value: String) -> (text: String, essence: String)? {
        let blanks: Set<Unicode.Scalar> = [" ", "\t"]
        let scalars = Array(value.unicodeScalars.drop { blanks.contains($0) })
        let name = scalars.prefix { $0 != ";" && !blanks.contains($0) }
        let next = scalars.dropFirst(name.count).first { !blanks.contains($0) }
        let sides = name.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        func isToken(_ side: ArraySlice<Unicode.Scalar>) -> Bool {
            !side.isEmpty
                && side.allSatisfy { scalar in
                    scalar.isASCII
                        && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar)
                            || "!#$%&'*+-.^_`|~".unicodeScalars.contains(scalar))
                }
        }
        guard sides.count == 2, sides.allSatisfy(isToken), next == nil || next == ";",
            !scalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        else { return nil }
        func text(_ scalars: some Sequence<Unicode.Scalar>) -> String {
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            return text
        }
        return (text(scalars), text(name).lowercased())
    }

    @Test("a media type", arguments: 0..<10 as Range<UInt64>)
    func types(seed: UInt64) {
        let pieces = [
            "text", "/", "plain", "application", "json", "x-ndjson", "event-stream", "text/plain", "application/json",
            "text/event-stream", "application/x-ndjson", "application/octet-stream", "APPLICATION/JSON", ";", "; a=b",
            " ",
            "\t", "\u{0}", "\u{7F}", "é", "+", "(", ",", "\u{301}", "\r", "A",
        ]
        var found = 0
        for word in Self.words(pieces, seed: seed) {
            let read = ContentType(word)
            let meant = Self.type(word)
            #expect(read.map { Array($0.text.utf8) } == meant.map { Array($0.text.utf8) }, "\(word.debugDescription)")
            #expect(read?.essence == meant?.essence, "\(word.debugDescription)")
            if read != nil { found += 1 }
        }
        #expect(found > 100, "hardly a type among the words")
    }

    // MARK: Names of streams

    private static func flaw(of name: String) -> StreamName.Invalid? {
        if name.isEmpty { return .empty }
        if name.utf8.count > StreamName.maximumBytes { return .tooLong }
        if name.unicodeScalars.contains(where: { $0.value < 0x20 || 0x7F...0x9F ~= $0.value }) {
            return .controlCharacter
        }
        for segment in name.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false) {
            if segment.isEmpty { return .emptySegment }
            if [".", ".."].contains(where: { $0.unicodeScalars.elementsEqual(segment) }) { return .dotSegment }
        }
        return nil
    }

    private static func read(_ name: String) -> (StreamName?, StreamName.Invalid?) {
        do throws(StreamName.Invalid) {
            return (try StreamName(name), nil)
        } catch {
            return (nil, error)
        }
    }

    @Test("a stream's name", arguments: 0..<10 as Range<UInt64>)
    func names(seed: UInt64) {
        let pieces = [
            "a", "/", ".", "..", "chat/42", "\u{1F}", "\u{7F}", "\u{80}", "\u{9F}", "\u{A0}", "é", "\u{301}", "â", "Â",
            "😀",
            " ", "%",
            String(repeating: "n", count: 250), String(repeating: "é", count: 128),
        ]
        var flaws: [StreamName.Invalid?: Int] = [:]
        for word in Self.words(pieces, seed: seed) {
            let meant = Self.flaw(of: word)
            flaws[meant, default: 0] += 1
            let (read, flaw) = Self.read(word)
            #expect(flaw == meant, "\(word.debugDescription)")
            #expect(read.map { Array($0.text.utf8) } == (meant == nil ? Array(word.utf8) : nil))
        }
        #expect(flaws.count == 6, "some flaw, or a name without one, is not among the words: \(flaws)")
    }
}
