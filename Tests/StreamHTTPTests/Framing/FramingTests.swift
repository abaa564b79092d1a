import Testing

@testable import StreamHTTP

@Suite("Bytes on the wire")
struct FramingTests {
    @Test(
        "a part is one chunk with its size in hexadecimal",
        arguments: [(1, "1"), (15, "f"), (16, "10"), (4096, "1000")]
    )
    func chunks(size: Int, hex: String) {
        var output: [UInt8] = []
        BodyFraming.chunked.append(Array(repeating: UInt8(ascii: "x"), count: size), to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "\(hex)\r\n\(String(repeating: "x", count: size))\r\n")
    }

    @Test("an empty part is nothing: as a chunk it would end the body")
    func emptyPart() {
        var output: [UInt8] = []
        BodyFraming.chunked.append([], to: &output)
        BodyFraming.plain.append([], to: &output)
        #expect(output.isEmpty)
        #expect(BodyFraming.chunked.terminator == Array("0\r\n\r\n".utf8))
        #expect(BodyFraming.chunked.end(isComplete: true) == BodyFraming.chunked.terminator)
        #expect(BodyFraming.chunked.end(isComplete: false) == Array("\r\n".utf8))
        #expect(BodyFraming.plain.end(isComplete: false).isEmpty)
        #expect(BodyFraming.plain.terminator.isEmpty)
    }

    @Test("without chunks a part goes as it is")
    func plain() {
        var output: [UInt8] = []
        BodyFraming.plain.append(Array("ab".utf8), to: &output)
        #expect(output == Array("ab".utf8))
    }

    @Test(
        "dates of HTTP",
        arguments: [
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"), (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT"),
            (4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT"),
        ] as [(UInt64, String)]
    )
    func dates(seconds: UInt64, text: String) {
        #expect(HTTPDate.text(secondsSince1970: seconds) == text)
    }
}
