import PartialJSON
import Testing

@Suite("Values")
struct ValueTests {
    @Test("A number keeps its text and tells what it is")
    func numbers() throws {
        #expect(JSONNumber("12")?.int == 12)
        #expect(JSONNumber("-0")?.double?.sign == .minus)
        #expect(JSONNumber("1.0")?.int == nil)
        #expect(JSONNumber("1.0")?.double == 1)
        #expect(JSONNumber("1e999")?.double == nil)
        #expect(JSONNumber("9223372036854775807")?.int == .max)
        #expect(JSONNumber("9223372036854775808")?.int == nil)
        #expect(JSONNumber("0.1000000000000000055")?.text == "0.1000000000000000055")
        #expect(JSONNumber("1") != JSONNumber("1.0"))
        #expect(JSONNumber(-7).text == "-7")
        for text in ["", "01", "+1", "1.", ".5", "1e", "0x1", " 1", "1 ", "inf", "-", "--1", "1e+", "1_0"] {
            #expect(JSONNumber(text) == nil, "\(text)")
        }
    }

    @Test("What is written is read again as the same", arguments: Documents.all)
    func roundTrip(text: String) throws {
        let value = try #require(try PartialJSONParser.value(of: text))
        #expect(try PartialJSONParser.value(of: value.description) == value)
        #expect(try FoundationValue(parsing: Array(value.description.utf8)) == FoundationValue(value))
    }

    @Test("Accessors give nothing for other kinds")
    func accessors() {
        let value: JSONValue = ["n": nil, "b": true, "i": 1, "s": "x", "a": [1], "o": [:]]
        #expect(value["n"]?.isNull == true)
        #expect(value["b"]?.bool == true)
        #expect(value["i"]?.double == 1)
        #expect(value["s"]?.text == "x")
        #expect(value["a"]?.array?.count == 1)
        #expect(value["o"]?.object?.isEmpty == true)
        #expect(value["x"] == nil)
        #expect(value[0] == nil)
        #expect(value["a"]?[1] == nil)
        #expect(value["a"]?[-1] == nil)
        #expect(value.text == nil && value.bool == nil && value.number == nil && value.array == nil && !value.isNull)
    }

    @Test("Strings, keys and values are equal by their scalars, and equal ones hash alike")
    func equality() throws {
        #expect(JSONString("é") != JSONString("e\u{301}"))
        #expect(JSONValue.object(["é": 1]) != .object(["e\u{301}": 1]))
        #expect(JSONValue.object(["a": 1, "b": 2]) != .object(["b": 2, "a": 1]))
        #expect(JSONObject([(key: "a", value: 1), (key: "b", value: 2), (key: "a", value: 3)]) == ["a": 3, "b": 2])
        var parser = PartialJSONParser()
        try parser.parse(#"{"a":["x",{"b":"yé"#)
        let partial = try #require(parser.value)
        try parser.parse(#""}]}"#)
        #expect(try parser.finish() == partial)
        #expect(Set([partial, try parser.finish(), ["a": ["x", ["b": "yé"]]]]).count == 1)
    }

    @Test("The suffix of a string is what follows so many bytes of it, growing or not")
    func suffixes() throws {
        let text = String(repeating: "aé東😀", count: 200)
        let bytes = Array(text.utf8)
        for pieceBytes in [1, 7, 300, bytes.count] {
            var parser = PartialJSONParser()
            try parser.parse("\"")
            for start in stride(from: 0, to: bytes.count, by: pieceBytes) {
                try parser.parse(Array(bytes[start..<min(start + pieceBytes, bytes.count)]))
            }
            let growing = try #require(parser.value?.string)
            try parser.parse("\"")
            let whole = try #require(parser.value?.string)
            #expect(growing.utf8Count == bytes.count)
            for string in [growing, whole] {
                for offset in stride(from: 0, through: bytes.count, by: 10) {
                    // Ten bytes are one round of the four scalars.
                    #expect(string.suffix(fromUTF8: offset).utf8.elementsEqual(bytes[offset...]))
                }
                #expect(string.suffix(fromUTF8: bytes.count - 1) == "😀")
                #expect(string.suffix(fromUTF8: bytes.count + 1).isEmpty)
                #expect(string.suffix(fromUTF8: -1) == text)
            }
        }
    }

    @Test("Each part of a growing string is shown once by asking for what is new")
    func deltas() throws {
        let text = #"{"story":"\u00e9 Once 😀 upon \ud83d\ude00 a time"}"#
        var parser = PartialJSONParser()
        var shown = 0
        var printed = ""
        for byte in text.utf8 {
            try parser.parse([byte])
            guard let string = parser.value?["story"]?.string else { continue }
            printed += string.suffix(fromUTF8: shown)
            shown = string.utf8Count
        }
        #expect(printed == "é Once 😀 upon 😀 a time")
    }

    @Test(
        "Large arrays and objects find each element",
        arguments: [0, 1, 15, 16, 17, 255, 256, 257, 4095, 4096, 4097, 9000]
    )
    func largeContainers(count: Int) throws {
        let array = JSONArray((0..<count).map { .number(JSONNumber($0)) })
        #expect(array.count == count)
        #expect(array.enumerated().allSatisfy { $0.element.int == $0.offset })
        let object = JSONObject((0..<count).map { ("\($0)", .number(JSONNumber($0))) })
        #expect((0..<count).allSatisfy { object["\($0)"]?.int == $0 && object[$0].key == "\($0)" })
    }
}
