import PartialJSON
import Testing

@Suite("Random damage")
struct MutationTests {
    @Test("What is damaged is taken or refused alike in every chunking, and as Foundation does")
    func mutations() throws {
        var generator = SeededGenerator(seed: 11)
        var taken = 0
        for _ in 0..<2000 {
            let text =
                Bool.random(using: &generator)
                ? Documents.random(size: 10, using: &generator) : Documents.all.randomElement(using: &generator) ?? ""
            let bytes = Self.damaged(Array(text.utf8), using: &generator)
            let whole = Outcome(of: [bytes])
            for chunks in [
                bytes.map { [$0] }, Chunking.random(of: bytes, longest: 5, using: &generator),
                Chunking.random(of: bytes, longest: 20, using: &generator),
            ] {
                let cut = Outcome(of: chunks)
                #expect(cut == whole, "\(String(decoding: bytes, as: UTF8.self))")
            }
            if whole.error == nil { taken += 1 }
            compareWithFoundation(whole, bytes)
        }
        #expect((200...1800).contains(taken), "Both outcomes should be frequent")
    }

    private func compareWithFoundation(_ outcome: Outcome, _ bytes: [UInt8]) {
        // Foundation takes one of the values, JavaScript the other.
        if outcome.error?.code == .duplicateKey { return }
        let theirs = try? FoundationValue(parsing: bytes)
        if let value = outcome.value, outcome.error == nil {
            // Foundation refuses numbers that no Double can hold.
            let mine = FoundationValue(value)
            #expect(theirs == mine || theirs == nil && value.description.contains(/[eE]/), "\(value)")
        } else {
            #expect(theirs == nil, "\(outcome) \(String(decoding: bytes, as: UTF8.self))")
        }
    }

    private static func damaged(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 0...2, using: &generator) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &generator)
            let other = Array("{}[]\":,\\ud8e+-.019tfn \n\u{1}\u{7F}é😀".utf8).randomElement(using: &generator) ?? 0
            switch Int.random(in: 0...4, using: &generator) {
            case 0: bytes.remove(at: place)
            case 1: bytes.insert(other, at: place)
            case 2: bytes[place] = other
            case 3: bytes.removeSubrange(place...)
            default: bytes.insert(contentsOf: bytes[place...].prefix(6), at: place)
            }
        }
        return bytes
    }

    /// All that can be seen of parsing one text.
    private struct Outcome: Equatable {
        private(set) var value: JSONValue?
        private(set) var error: PartialJSONError?

        init(of chunks: [[UInt8]]) {
            var parser = PartialJSONParser()
            do throws(PartialJSONError) {
                for chunk in chunks { try parser.parse(chunk) }
                try parser.finish()
            } catch {
                self.error = error
            }
            value = parser.value
        }
    }
}
