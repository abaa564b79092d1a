import StoreSuite
import Testing
import TextCodecs

@Suite("Looking into JSON")
struct JSONSliceTests {
    @Test("members, elements and texts are found as a parser finds them")
    func found() throws {
        let text =
            #" { "a" : [ 1 , {"b":"x,]}"} , "" ] , "c\u0061":"\u00e9\ud83d\ude00\n\"" , "a2":null,"a":[true,"z"]} "#
        let slice = JSONSlice(Array(text.utf8))
        #expect(slice["a"]?.elements.count == 2)
        #expect(slice["a"]?.elements.first?.isTrue == true)
        #expect(slice["ca"]?.string == "é😀\n\"")
        #expect(slice["a2"]?.isNull == true)
        #expect(slice["missing"] == nil)
        let nested = JSONSlice(Array(#"{"a":{"b":[{"c":"d"},{"c":"e"}]}}"#.utf8))
        #expect(nested["a"]?["b"]?.elements.map { $0["c"]?.string } == ["d", "e"])
    }

    @Test("a text that ends anywhere finds nothing that is not there, and never traps")
    func prefixes() {
        let text = Array(#"{"a":"b\\","c":{"d":[1,2,{"e":"\u00e9"}]},"f":12}"#.utf8)
        for count in 0...text.count {
            let slice = JSONSlice(Array(text.prefix(count)))
            if let a = slice["a"]?.string { #expect(a == "b\\") }
            _ = slice["c"]?["d"]?.elements.last?["e"]?.string
            if let f = slice["f"]?.integer { #expect(f == 12) }
        }
    }

    @Test(
        "a member or an element is found only where the text goes on as JSON does",
        arguments: [
            #"{"a":12"#, #"{"a":12]"#, #"{"a":12 13}"#, #"{"a":tru}"#, #"{a:1}"#, #"["#, #"[1"#, #"[1 2]"#, #"{"a" 1}"#,
            "",
        ]
    )
    func unfinished(text: String) {
        let slice = JSONSlice(Array(text.utf8))
        #expect(slice["a"] == nil)
        #expect(slice.elements.isEmpty)
    }

    @Test("what stands before the place where a text is no JSON any more is found")
    func before() {
        #expect(JSONSlice(Array(#"{"a":1,"b":nul"#.utf8))["a"]?.integer == 1)
        #expect(JSONSlice(Array("[1,2,x]".utf8)).elements.map(\.integer) == [1, 2])
    }

    @Test("what Python writes for numbers that are none is passed over", arguments: ["NaN", "Infinity", "-Infinity"])
    func nonNumbers(word: String) {
        let text = "{\"a\":\(word),\"b\":[\(word),2],\"c\":{\"d\": \(word) },\"e\":\"x\"}"
        let slice = JSONSlice(Array(text.utf8))
        #expect(slice.isValue)
        #expect(slice["a"]?.raw.elementsEqual(word.utf8) == true && slice["a"]?.integer == nil)
        #expect(slice["b"]?.elements.map(\.integer) == [nil, 2])
        #expect(slice["e"]?.string == "x")
        // No stream holds it.
        #expect(throws: JSONError.self) { try JSONText.validate(text.utf8) }
        let broken = JSONSlice(Array("{\"a\":\(word.dropLast()),\"b\":1}".utf8))
        #expect(!broken.isValue && broken["b"] == nil)
    }

    @Test("bytes at random do no harm", arguments: 0..<4)
    func noise(seed: UInt64) {
        var generator = SeededRandom(seed: seed)
        let alphabet = Array(#"{}[]",:\ua1 "#.utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
            let slice = JSONSlice(bytes)
            let isJSON = (try? JSONText.validate(bytes)) != nil
            if isJSON {
                #expect(slice.elements.count == (try? JSONText.split(bytes))?.count || slice.raw.first != 0x5B)
            }
            if slice.string != nil { #expect(isJSON) }
            _ = slice["a"]?["a"]?.string
        }
    }
}
