import Testing

@testable import PartialJSON

@Suite("The work is linear in the text, whatever the pieces and however many values are kept")
struct LinearityTests {
    /// Texts in which something grows for long: a string, with and without escapes, a key, a number, many elements.
    static let texts = [
        "\"" + String(repeating: "Once upon a time ", count: 4000) + "\"",
        "\"" + String(repeating: #"é\n\u00e9東😀"#, count: 4000) + "\"",
        #"{""# + String(repeating: "k", count: 60_000) + #"":1}"#,
        "[" + String(repeating: "7", count: 60_000) + "]",
        "[" + String(repeating: #""word",1,"#, count: 6000) + "null]",
    ]

    @Test("Every byte is copied a few times at most", arguments: texts.indices, [1, 3, 100, 5000, .max])
    func copies(index: Int, pieceBytes: Int) throws {
        let bytes = Array(Self.texts[index].utf8)
        var parser = PartialJSONParser()
        var rest = bytes[...]
        while !rest.isEmpty {
            try parser.parse(Array(rest.prefix(pieceBytes)))
            rest = rest.dropFirst(pieceBytes)
        }
        try parser.finish()
        #expect(parser.text.copiedBytes <= 3 * bytes.count, "\(parser.text.copiedBytes) of \(bytes.count)")
    }

    @Test("A value taken of a long string copies a short tail, and shares the rest with every later one")
    func snapshotsOfStrings() throws {
        var parser = PartialJSONParser()
        for (count, byte) in Self.texts[0].utf8.dropLast().enumerated() {
            try parser.parse([byte])
            let growing = parser.text.snapshot()
            #expect(growing.rest.utf8.count < GrowingText.tailBytes)
            #expect(growing.pieces.count == count / GrowingText.tailBytes)
        }
    }

    @Test("An array that grows and changes leaves every earlier copy as it was")
    func keptArrays() {
        var array = PersistentArray<Int>()
        var kept: [PersistentArray<Int>] = []
        for number in 0..<5000 {
            kept.append(array)
            array.append(number)
        }
        #expect(kept.enumerated().allSatisfy { $1.count == $0 && $1.last == ($0 == 0 ? nil : $0 - 1) })
        for index in stride(from: 0, to: 5000, by: 7) { array.replace(at: index, with: -1) }
        #expect(array.enumerated().allSatisfy { $1 == ($0 % 7 == 0 ? -1 : $0) })
        #expect(kept.last?.elementsEqual(0..<4999) == true)
    }
}
