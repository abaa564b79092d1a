import Testing
import TextCodecs

@Suite("Writing JSON")
struct JSONWriterTests {
    @Test("members, nested objects and arrays, null and what is JSON already, each with its commas")
    func object() throws {
        let bytes = JSONWriter.object {
            $0.member("a\"", "b\n")
            $0.member("none", String?.none)
            $0.member("number", -3)
            $0.member("no number", Int?.none)
            $0.member("yes", true)
            $0.member("raw", raw: "[1,{}]".utf8)
            $0.member("empty", object: { _ in })
            $0.member(
                "array",
                array: {
                    $0.element(object: { $0.member("x", 1) })
                    $0.element(object: { _ in })
                    $0.element(object: { $0.member("y", false) })
                }
            )
            $0.member("last", object: { $0.member("z", "é") })
        }
        let expected =
            #"{"a\"":"b\n","none":null,"number":-3,"no number":null,"yes":true,"raw":[1,{}],"empty":{},"#
            + #""array":[{"x":1},{},{"y":false}],"last":{"z":"é"}}"#
        #expect(String(decoding: bytes, as: UTF8.self) == expected)
        try JSONText.validate(bytes)
        #expect(JSONWriter.object { _ in } == Array("{}".utf8))
    }

    @Test(
        "JSON strings",
        arguments: [
            ("plain", "\"plain\""), ("a\"b\\c", #""a\"b\\c""#),
            ("\n\r\t\u{0}\u{1F}\u{7F}", #""\n\r\t\u0000\u001f\u007f""#),
            ("naïve 🎉", "\"naïve 🎉\""), ("", "\"\""), ("</script>", "\"</script>\""),
        ]
    )
    func strings(plain: String, json: String) {
        var output: [UInt8] = []
        JSONWriter.appendString(plain, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == json)
        #expect(JSONSlice(output).string == plain)
    }

    @Test("bytes that are no UTF-8 become U+FFFD in JSON")
    func invalidUTF8() {
        var output: [UInt8] = []
        [0x61, 0xFF, 0x62].withUnsafeBufferPointer { JSONWriter.appendString($0, to: &output) }
        #expect(String(decoding: output, as: UTF8.self) == "\"a\u{FFFD}b\"")
    }
}
