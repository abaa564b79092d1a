import PartialJSON
import Testing

@Suite("What is shown of a value that is still arriving")
struct PrefixTests {
    static let texts: [String] = {
        var generator = SeededGenerator(seed: 6)
        return Documents.all + (0..<80).map { _ in Documents.random(size: 12, using: &generator) }
    }()

    @Test("Every prefix shows what Foundation reads when it is closed where it is open", arguments: texts)
    func everyPrefixAgreesWithFoundation(text: String) throws {
        let bytes = Array(text.utf8)
        for count in 0...bytes.count {
            var parser = PartialJSONParser()
            try parser.parse(Array(bytes[..<count]))
            try expect(parser.value, toBe: PrefixCloser.close(bytes, count: count, isEnd: false))
            if count == bytes.count {
                try expect(parser.finish(), toBe: PrefixCloser.close(bytes, count: count, isEnd: true))
            }
        }
    }

    private func expect(_ value: JSONValue?, toBe closed: [UInt8]?) throws {
        guard let value, let closed else {
            #expect((value == nil) == (closed == nil))
            return
        }
        #expect(try FoundationValue(parsing: closed) == FoundationValue(value), "\(value)")
        // The same with what Foundation loses: the order of keys and the digits of numbers.
        #expect(try PartialJSONParser.value(of: String(decoding: closed, as: UTF8.self)) == value)
    }

    @Test("However a text is cut, each piece ends with the same value, and no value takes back an earlier one")
    func everyChunking() throws {
        var generator = SeededGenerator(seed: 7)
        for text in Self.texts {
            let bytes = Array(text.utf8)
            let expected = try (0...bytes.count).map { count in
                var parser = PartialJSONParser()
                try parser.parse(Array(bytes[..<count]))
                return parser.value
            }
            for (earlier, later) in zip(expected, expected.dropFirst()) {
                guard let earlier else { continue }
                #expect(later?.continues(earlier) == true, "\(earlier) became \(later?.description ?? "nothing")")
            }
            for chunks in Chunking.all(of: bytes, using: &generator) {
                var parser = PartialJSONParser()
                var count = 0
                var kept: [(Int, JSONValue?)] = []
                for chunk in chunks {
                    try parser.parse(chunk)
                    count += chunk.count
                    kept.append((count, parser.value))
                }
                // Compared only now, so that a kept value that changed later would be noticed.
                let isAsExpected = kept.allSatisfy { $1 == expected[$0] && $1?.isComplete == expected[$0]?.isComplete }
                #expect(isAsExpected, "\(text) in \(chunks.map { String(decoding: $0, as: UTF8.self) })")
                let final = try parser.finish()
                #expect(final.isComplete)
            }
        }
    }

    @Test(
        "What may still change is not shown",
        arguments: [
            ("[1", "[]"), ("[12,", "[12]"), ("[12 ", "[12]"), ("[1,2", "[1]"), ("[1.", "[]"), ("[1e5", "[]"),
            ("[tru", "[]"), ("[true", "[true]"), ("[nul", "[]"), (#"{"a"#, "{}"), (#"{"a""#, "{}"), (#"{"a":"#, "{}"),
            (#"{"a":1"#, "{}"), (#"{"a":1}"#, #"{"a":1}"#), (#"{"a":""#, #"{"a":""}"#), (#"{"a":["#, #"{"a":[]}"#),
            (#"{"a":1,"b"#, #"{"a":1}"#), (#"["a\"#, #"["a"]"#), (#"["a\u00e"#, #"["a"]"#), (#"["\ud83d"#, #"[""]"#),
            (#"["\ud83d\ude0"#, #"[""]"#), (#"["\ud83d\ude00"#, #"["😀"]"#), (#""Hel"#, #""Hel""#),
        ]
    )
    func whatIsShown(text: String, shown: String) throws {
        var parser = PartialJSONParser()
        try parser.parse(text)
        #expect(parser.value?.description == shown)
    }

    @Test("Before anything is known there is no value", arguments: ["", " \n", "-", "12", "tru", "\t1.5e"])
    func nothingIsKnown(text: String) throws {
        var parser = PartialJSONParser()
        try parser.parse(text)
        #expect(parser.value == nil)
        #expect(parser.state == .incomplete)
    }

    @Test("Each string, array and object tells whether it is complete")
    func completeness() throws {
        var parser = PartialJSONParser()
        try parser.parse(#"{"a":["x","#)
        let early = try #require(parser.value)
        #expect(!early.isComplete)
        #expect(early["a"]?.isComplete == false)
        #expect(early["a"]?[0]?.isComplete == true)
        try parser.parse(#" "y"#)
        #expect(parser.value?["a"]?[1]?.isComplete == false)
        try parser.parse(#""]"#)
        #expect(parser.value?["a"]?.isComplete == true)
        #expect(parser.value?.isComplete == false)
        #expect(parser.state == .incomplete)
        try parser.parse("}")
        #expect(parser.value?.isComplete == true)
        #expect(parser.state == .complete)
        #expect(early.description == #"{"a":["x"]}"#)
    }

    @Test("A number that is all there is ends with whitespace or with the text")
    func topLevelNumber() throws {
        var parser = PartialJSONParser()
        try parser.parse("12")
        #expect(parser.state == .incomplete)
        try parser.parse("3")
        #expect(try parser.finish() == 123)
        #expect(parser.state == .complete)
        #expect(try parser.finish() == 123)

        var spaced = PartialJSONParser()
        try spaced.parse("12 ")
        #expect(spaced.state == .complete)
        #expect(spaced.value == 12)
    }

    @Test("A copy of a parser goes its own way")
    func copies() throws {
        var one = PartialJSONParser()
        try one.parse(#"{"a":[1,2,"x"#)
        var two = one
        try one.parse(#"y"]}"#)
        try two.parse(#"z",3]}"#)
        #expect(one.value?.description == #"{"a":[1,2,"xy"]}"#)
        #expect(two.value?.description == #"{"a":[1,2,"xz",3]}"#)
    }
}

extension PartialJSONParser {
    static func value(of text: String) throws -> JSONValue? {
        var parser = PartialJSONParser()
        try parser.parse(text)
        return try parser.finish()
    }
}
