import PartialJSON
import Testing

@Suite("Limits, and keys that come twice")
struct LimitTests {
    @Test("Arrays and objects may stand within each other up to the limit", arguments: [0, 1, 2, 5, 512])
    func depth(limit: Int) throws {
        let fits = String(repeating: "[", count: limit) + (limit == 0 ? "1 " : "")
        var parser = PartialJSONParser(limits: .init(depth: limit))
        try parser.parse(fits + String(repeating: "]", count: limit))
        #expect(parser.state == .complete)

        parser = PartialJSONParser(limits: .init(depth: limit))
        let error = #expect(throws: PartialJSONError.self) {
            try parser.parse(String(repeating: #"{"a":"#, count: limit) + "[")
        }
        #expect(error?.code == .tooDeep)
        #expect(error?.position == 5 * limit)
    }

    @Test("No limit allows more levels than values can be handled with")
    func greatestDepth() throws {
        var limits = PartialJSONParser.Limits(depth: .max)
        #expect(limits.depth == 512)
        limits.depth = 100_000
        #expect(limits.depth == 512)
        limits.depth = -1
        #expect(limits.depth == 0)
        var parser = PartialJSONParser(limits: .init(depth: 512))
        try parser.parse(String(repeating: "[", count: 512))
        let deep = try #require(parser.value)
        #expect(deep.description.count == 1024)
        #expect(deep == parser.value)
        #expect(throws: PartialJSONError.self) { try parser.parse("[") }
    }

    @Test("A text may be as long as the limit, however it is cut", arguments: 0...12)
    func bytes(limit: Int) throws {
        let text = Array(#"["ab", 12] "#.utf8)
        var generator = SeededGenerator(seed: 10)
        var whole = PartialJSONParser()
        try whole.parse(Array(text.prefix(limit)))
        for chunks in Chunking.all(of: text, using: &generator) {
            var parser = PartialJSONParser(limits: .init(bytes: limit))
            var failure: PartialJSONError?
            do {
                for chunk in chunks { try parser.parse(chunk) }
            } catch {
                failure = error
            }
            #expect(failure?.code == (limit < text.count ? .tooLong : nil))
            #expect(failure.map { $0.position == limit } ?? true)
            #expect(parser.value == whole.value)
        }
    }

    @Test("The last of equal keys wins where that is allowed, in the place of the first")
    func lastWins() throws {
        var parser = PartialJSONParser(duplicateKeys: .lastWins)
        var shown: [String] = []
        for part in [#"{"a":1,"b":2,"a""#, ":", "[", "3", "]", #","b":9,"c":{"#, "}}"] {
            try parser.parse(part)
            shown.append(parser.value?.description ?? "")
        }
        #expect(
            shown == [
                #"{"a":1,"b":2}"#, #"{"a":1,"b":2}"#, #"{"a":[],"b":2}"#, #"{"a":[],"b":2}"#, #"{"a":[3],"b":2}"#,
                #"{"a":[3],"b":9,"c":{}}"#, #"{"a":[3],"b":9,"c":{}}"#,
            ]
        )
    }

    @Test("Keys are equal when their scalars are, among few keys and among many", arguments: [1, 7, 8, 9, 10, 100])
    func equalKeys(count: Int) throws {
        let keys = (0..<count).map { #""k\#($0)":\#($0)"# }.joined(separator: ",")
        var parser = PartialJSONParser()
        try parser.parse(#"{"é":-1,"e\#u{301}":-2,"\#(keys)}"#.replacing(#""""#, with: #"""#))
        let object = try #require(parser.value?.object)
        #expect(object.count == count + 2)
        #expect(object["é"] == -1)
        #expect(object["e\u{301}"] == -2)
        #expect(object["k\(count - 1)"]?.int == count - 1)
        #expect(object["k"] == nil)

        var twice = PartialJSONParser()
        let error = #expect(throws: PartialJSONError.self) {
            try twice.parse(#"{"\u00e9":-1,\#(keys),"é":1}"#)
        }
        #expect(error?.code == .duplicateKey)
        #expect(twice.value?.object?.count == count + 1)
        #expect(twice.value?["k0"] == 0)
    }
}
