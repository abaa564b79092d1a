import PartialJSON
import Testing

@Suite("What is not JSON")
struct ErrorTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let code: PartialJSONError.Code
        let position: Int
        let expected: String?
        let shown: String?

        var testDescription: String { text }

        init(_ text: String, _ code: PartialJSONError.Code, _ position: Int, _ expected: String?, shown: String?) {
            self.text = text
            self.code = code
            self.position = position
            self.expected = expected
            self.shown = shown
        }
    }

    static let broken = [
        Case("x", .unexpectedByte, 0, "a value", shown: nil),
        Case("\u{FEFF}1", .unexpectedByte, 0, "a value", shown: nil),
        Case("[,", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("[1,]", .unexpectedByte, 3, "a value", shown: "[1]"),
        Case("[1 2]", .unexpectedByte, 3, "a comma or `]`", shown: "[1]"),
        Case("[1}", .unexpectedByte, 2, "a comma or `]`", shown: "[1]"),
        Case("{,", .unexpectedByte, 1, "a key in quotes or `}`", shown: "{}"),
        Case(#"{"a":1,}"#, .unexpectedByte, 7, "a key in quotes", shown: #"{"a":1}"#),
        Case(#"{"a" 1"#, .unexpectedByte, 5, "a colon", shown: "{}"),
        Case(#"{"a":}"#, .unexpectedByte, 5, "a value", shown: "{}"),
        Case(#"{"a":1]"#, .unexpectedByte, 6, "a comma or `}`", shown: #"{"a":1}"#),
        Case("[] []", .unexpectedByte, 3, "the end", shown: "[]"),
        Case("]", .unexpectedByte, 0, "a value", shown: nil),
        Case("[01", .unexpectedByte, 2, "the end of the number", shown: "[]"),
        Case("[+1", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("[12x", .unexpectedByte, 3, "a digit", shown: "[]"),
        Case("[1.]", .unexpectedByte, 3, "a digit", shown: "[]"),
        Case("[.5]", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("[1e]", .unexpectedByte, 3, "a digit", shown: "[]"),
        Case("[-]", .unexpectedByte, 2, "a digit", shown: "[]"),
        Case("[nulx", .unexpectedByte, 4, "`null`", shown: "[]"),
        Case("[True", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("[NaN", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("['a'", .unexpectedByte, 1, "a value or `]`", shown: "[]"),
        Case("[1,//", .unexpectedByte, 3, "a value", shown: "[1]"),
        Case(#"["ab\x"#, .unexpectedByte, 5, "one of \"\\/bfnrtu after the backslash", shown: #"["ab"]"#),
        Case(#"["ab\u00g0"#, .unexpectedByte, 8, "a hexadecimal digit", shown: #"["ab"]"#),
        Case(
            "[\"ab\n",
            .unexpectedByte,
            4,
            "an escape: control characters may not stand in a string",
            shown: #"["ab"]"#
        ),
        Case(#"["ab\ud83dc"#, .loneSurrogate, 4, nil, shown: #"["ab"]"#),
        Case(#"["ab\ud83d\n"#, .loneSurrogate, 4, nil, shown: #"["ab"]"#),
        Case(#"["ab\ud83d\ud83d"#, .loneSurrogate, 4, nil, shown: #"["ab"]"#),
        Case(#"["ab\ude00"#, .loneSurrogate, 4, nil, shown: #"["ab"]"#),
        Case(#"{"a":1, "a""#, .duplicateKey, 8, nil, shown: #"{"a":1}"#),
    ]

    @Test("An error tells the place and what should be there, however the text was cut", arguments: broken)
    func errors(of example: Case) throws {
        var generator = SeededGenerator(seed: 8)
        for chunks in Chunking.all(of: Array(example.text.utf8) + Array(" 1".utf8), using: &generator) {
            var parser = PartialJSONParser()
            let error = try #require(throws: PartialJSONError.self) {
                for chunk in chunks { try parser.parse(chunk) }
            }
            #expect(error.code == example.code)
            #expect(error.position == example.position)
            #expect(error.expected == example.expected)
            #expect(parser.value?.description == example.shown)
            #expect(parser.value?.isComplete != true || example.expected == "the end")
            #expect(parser.state == .failed(error))
            #expect(throws: error) { try parser.parse(" ") }
            #expect(throws: error) { try parser.finish() }
        }
    }

    @Test(
        "A text that ends too soon tells what is missing, and keeps what has arrived",
        arguments: [
            Case("", .unexpectedEnd, 0, "a value", shown: nil),
            Case("[", .unexpectedEnd, 1, "a value or `]`", shown: "[]"),
            Case("[1", .unexpectedEnd, 2, "a comma or `]`", shown: "[1]"),
            Case("[1.", .unexpectedEnd, 3, "a digit", shown: "[]"),
            Case("-", .unexpectedEnd, 1, "a digit", shown: nil),
            Case("tru", .unexpectedEnd, 3, "`true`", shown: nil),
            Case(#"{"a""#, .unexpectedEnd, 4, "a colon", shown: "{}"),
            Case(#""ab"#, .unexpectedEnd, 3, "a quote that ends the string", shown: #""ab""#),
            Case(#""ab\"#, .unexpectedEnd, 4, "one of \"\\/bfnrtu after the backslash", shown: #""ab""#),
            Case(#""ab\ud83d"#, .unexpectedEnd, 9, "the second half of a surrogate pair", shown: #""ab""#),
        ]
    )
    func tooSoon(example: Case) throws {
        var parser = PartialJSONParser()
        try parser.parse(example.text)
        let error = try #require(throws: PartialJSONError.self) { try parser.finish() }
        #expect(error.code == example.code)
        #expect(error.position == example.position)
        #expect(error.expected == example.expected)
        #expect(parser.value?.description == example.shown)
        #expect(throws: error) { try parser.parse("1") }
    }

    @Test(
        "Bytes that are not UTF-8 are an error at the byte that cannot stand there",
        arguments: [
            ([0x80], 0), ([0xC0, 0x80], 0), ([0xC1], 0), ([0xFF], 0), ([0xF5], 0), ([0xC3, 0x41], 1),
            ([0xC3, 0x22], 1),
            ([0xE0, 0x80, 0x80], 1), ([0xED, 0xA0, 0x80], 1), ([0xF0, 0x80, 0x80, 0x80], 1), ([0xF4, 0x90, 0x80], 1),
            ([0xE2, 0x82, 0x20], 2), ([0xF0, 0x9F, 0x98, 0x22], 3),
        ] as [([UInt8], Int)]
    )
    func invalidUTF8(bytes: [UInt8], place: Int) throws {
        var generator = SeededGenerator(seed: 9)
        for chunks in Chunking.all(of: Array("[\"é".utf8) + bytes, using: &generator) {
            var parser = PartialJSONParser()
            let error = try #require(throws: PartialJSONError.self) {
                for chunk in chunks { try parser.parse(chunk) }
            }
            #expect(error.code == .invalidUTF8)
            #expect(error.position == 4 + place)
            #expect(parser.value == ["é"])
        }
    }

    @Test("A message says what to do")
    func messages() throws {
        var parser = PartialJSONParser(limits: .init(depth: 1))
        let error = try #require(throws: PartialJSONError.self) { try parser.parse("[[") }
        #expect(
            error.description
                == "tooDeep: Byte 1 opens more than 1 levels. Send a flatter value, or raise the limit for depth."
        )
    }
}
