import Foundation
import StoreSuite
import Testing
import TextCodecs

@Suite("JSON text")
struct JSONTextTests {
    private func split(_ text: String) throws(JSONError) -> [String] {
        try JSONText.split(Array(text.utf8)).map { String(decoding: $0, as: UTF8.self) }
    }

    @Test("an array is flattened one level and anything else is one message")
    func flattens() throws {
        #expect(try split("[1,[2,3],{\"a\":[4]}]") == ["1", "[2,3]", "{\"a\":[4]}"])
        #expect(try split("{\"a\":1}") == ["{\"a\":1}"])
        #expect(try split("null") == ["null"])
        #expect(try split(" [ ] ") == [])
        #expect(try split("[[]]") == ["[]"])
    }

    @Test("a message is the exact bytes of its value without the whitespace around it")
    func exactBytes() throws {
        let body = "\r\n[ { \"a\" :\t1.0e+2 } ,\n\"\\u0041 é\" ]\n"
        #expect(try split(body) == ["{ \"a\" :\t1.0e+2 }", "\"\\u0041 é\""])
        #expect(try split("\t-0.5 ") == ["-0.5"])
    }

    @Test(
        "what is not JSON is refused with its place and what should stand there",
        arguments: [
            ("", 0, "a value"), ("  ", 2, "a value"), ("[1,]", 3, "a value"), ("[1 2]", 3, "a comma or `]`"),
            ("{a:1}", 1, "a key in quotes"), ("{\"a\" 1}", 5, "a colon"), ("{\"a\":1,}", 7, "a key in quotes"),
            ("{\"a\":1 \"b\"}", 7, "a comma or `}`"), ("[1", 2, "a comma or `]`"), ("01", 1, "the end"),
            ("-", 1, "a digit"), ("1.", 2, "a digit"), ("1e+", 3, "a digit"), ("+1", 0, "a value"),
            ("tru", 3, "`true`"), ("nul1", 3, "`null`"), ("falsy", 4, "`false`"), ("1 2", 2, "the end"),
            ("\"a", 2, "a quote that ends the string"), ("\"\\x\"", 2, "one of \"\\/bfnrtu after a backslash"),
            ("\"\\u00g0\"", 5, "a hexadecimal digit"),
            ("\"a\nb\"", 2, "an escape: control characters may not stand in a string"),
            ("\u{FEFF}1", 0, "a value"), ("NaN", 0, "a value"), ("'a'", 0, "a value"),
        ]
    )
    func refuses(text: String, position: Int, what: String) {
        let error = JSONError(position: position, reason: .expected(what))
        #expect(throws: error) { try split(text) }
        #expect(throws: error) { try JSONText.validate(text.utf8) }
    }

    @Test(
        "bytes that are not UTF-8 are refused where they stand",
        arguments: [
            [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xE0, 0x9F, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82],
            [0xF0, 0x8F, 0xBF, 0xBF], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xE2, 0x28, 0xA1],
        ] as [[UInt8]]
    )
    func invalidUTF8(bytes: [UInt8]) {
        let body = Array("[\"ok\",\"x".utf8) + bytes + Array("\"]".utf8)
        #expect(throws: JSONError(position: 8, reason: .invalidUTF8)) { try JSONText.split(body) }
    }

    @Test("well-formed UTF-8 of every length passes at its borders")
    func validUTF8() throws {
        for scalar: UInt32 in [0x7F, 0x80, 0x7FF, 0x800, 0xFFF, 0x1000, 0xD7FF, 0xE000, 0xFFFF, 0x10000, 0x10FFFF] {
            let text = "\"\(Unicode.Scalar(scalar)!)\""
            #expect(try split(text) == [text])
        }
    }

    @Test("256 levels pass and the 257th is refused at its bracket, in arrays and objects alike")
    func depth() throws {
        let limit = JSONText.maximumDepth
        let arrays = { String(repeating: "[", count: $0) + String(repeating: "]", count: $0) }
        try JSONText.validate(arrays(limit).utf8)
        #expect(throws: JSONError(position: limit, reason: .tooDeep)) { try JSONText.validate(arrays(limit + 1).utf8) }
        #expect(throws: JSONError(position: limit, reason: .tooDeep)) { try split(arrays(limit + 1)) }
        let objects = String(repeating: "{\"a\":", count: 100_000)
        #expect(throws: JSONError(position: limit * 5, reason: .tooDeep)) { try split(objects) }
        // Depth is what is open, not what was opened before.
        #expect(try split("[" + String(repeating: "[[]],", count: 1000) + "0]").count == 1001)
    }

    @Test("a value on one line keeps its length and its meaning")
    func singleLine() throws {
        let value = Array("{\r\n  \"a\": \"\\n\",\n\"b\": [\r1]\n}".utf8)
        let line = JSONText.singleLine(value)
        #expect(String(decoding: line, as: UTF8.self) == "{    \"a\": \"\\n\", \"b\": [ 1] }")
        try JSONText.validate(line)
    }

    @Test("a slice is validated with positions from its own start")
    func slices() throws {
        let bytes = Array("x[1,2]y".utf8)
        try JSONText.validate(bytes[1..<6])
        #expect(throws: JSONError(position: 5, reason: .expected("the end"))) { try JSONText.validate(bytes[1...]) }
    }

    @Test("over random mutations it agrees with another parser", arguments: 0..<8)
    func differential(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let seeds = [
            "{\"a\":[1,2.5,-3e2,{\"b\":null}],\"c\":\"d\\u00e9\\n\",\"e\":true}", "[\"é€😀\",false,[],{},0,-0.0,1E-1]",
            " [ 1 , \"x\\\\\\\"y\" , { \"k\" : [ [ ] ] } ]\r\n\t", "\"\\/\\b\\f\\r\\t\"", "-12.75e+2", "[[[[[1]]]]]",
        ]
        let text = "[]{},:\"\\ \t\r\n0123456789.eE+-truefalsn/u"
        let alphabet = Array(text.utf8) + [0x00, 0x1F, 0x80, 0xC3, 0xA9, 0xE2, 0xF0]
        var valid = 0
        for _ in 0..<4000 {
            var bytes = Array(seeds.randomElement(using: &random)!.utf8)
            for _ in 0..<Int.random(in: 0...3, using: &random) {
                let place = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: bytes.insert(alphabet.randomElement(using: &random)!, at: place)
                case 1: if place < bytes.count { bytes.remove(at: place) }
                default: if place < bytes.count { bytes[place] = alphabet.randomElement(using: &random)! }
                }
            }
            guard Self.isComparable(bytes) else { continue }
            let theirs = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
            let ours = try? JSONText.split(bytes)
            guard let theirs, let ours else {
                let text = String(decoding: bytes, as: UTF8.self)
                #expect((theirs == nil) == (ours == nil), "seed \(seed): \(text) \(bytes)")
                continue
            }
            valid += 1
            #expect((try? JSONText.validate(bytes)) != nil)
            let joined = Array("[".utf8) + ours.joined(separator: [UInt8(ascii: ",")]) + Array("]".utf8)
            let again = try JSONSerialization.jsonObject(with: Data(joined)) as? NSArray
            #expect(again == (theirs as? NSArray ?? [theirs]))
            let lines = ours.map(JSONText.singleLine)
            #expect(lines.allSatisfy { !$0.contains(0x0A) && !$0.contains(0x0D) })
        }
        #expect(valid > 400)
    }

    /// Foundation guesses UTF-16 and UTF-32 from zeros at the start, refuses numbers beyond a double, and lets a comma
    /// through before a closing bracket.
    private static func isComparable(_ bytes: [UInt8]) -> Bool {
        guard !bytes.prefix(4).contains(0) else { return false }
        let text = String(decoding: bytes, as: UTF8.self)
        let quirks = /[eE][-+]?[0-9]{3}|[0-9]{16}|,[ \t\r\n]*[\]}]/
        return text.firstMatch(of: quirks) == nil
    }
}
