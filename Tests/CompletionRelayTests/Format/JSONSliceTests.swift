import Foundation
import Testing

@testable import CompletionRelay

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

    @Test("bytes at random do no harm")
    func noise() {
        var generator = SystemRandomNumberGenerator()
        let alphabet = Array(#"{}[]",:\ua1 "#.utf8)
        for _ in 0..<2000 {
            let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
                alphabet.randomElement(using: &generator)!
            }
            let slice = JSONSlice(bytes)
            _ = slice["a"]?["a"]?.string
            _ = slice.elements.map(\.string)
            _ = slice.string
        }
    }
}
