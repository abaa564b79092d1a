import PartialJSON
import Testing

@Suite("The examples of the documentation")
struct ExampleTests {
    @Test("The parser's example shows what it says")
    func parser() throws {
        var parser = PartialJSONParser()
        try parser.parse(#"{"story": "Once up"#)
        #expect(parser.value?["story"]?.text == "Once up")
        try parser.parse(#"on a time", "stars": 4"#)
        #expect(parser.value?.description == #"{"story":"Once upon a time"}"#)
        try parser.parse("2}")
        #expect(try parser.finish() == ["story": "Once upon a time", "stars": 42])
    }

    @Test("The value's example gives what it says")
    func value() {
        let value: JSONValue = ["city": "Berlin", "days": [1, 2]]
        #expect(value["city"]?.text == "Berlin")
        #expect(value["days"]?[1]?.int == 2)
        #expect(value.description == #"{"city":"Berlin","days":[1,2]}"#)
    }
}
