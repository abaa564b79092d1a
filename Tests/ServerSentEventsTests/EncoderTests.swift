import ServerSentEvents
import Testing

@Suite("Encoder")
struct EncoderTests {
    private let encoder = EventStreamEncoder()
    private let tight = EventStreamEncoder(spaceAfterColon: false)

    private func text(_ block: EventBlock, _ encoder: EventStreamEncoder? = nil) throws -> String {
        String(decoding: try (encoder ?? self.encoder).encode(block), as: UTF8.self)
    }

    @Test("The fields come in a fixed order, comments first")
    func order() throws {
        let block = EventBlock(comment: "c\rd", event: "e", retry: 0, id: "i", data: "x\ny\r\nz\r")
        let fields = ": c\n: d\nevent: e\nretry: 0\nid: i\n"
        #expect(try text(block) == fields + "data: x\ndata: y\ndata: z\ndata: \n\n")
        #expect(try text(block, tight) == ":c\n:d\nevent:e\nretry:0\nid:i\ndata:x\ndata:y\ndata:z\ndata:\n\n")
    }

    @Test("A leading space of a value is always kept by one more")
    func leadingSpace() throws {
        let block = EventBlock(event: " e", id: " i", data: " World\n  two")
        #expect(try text(block, tight) == "event:  e\nid:  i\ndata:  World\ndata:   two\n\n")
        #expect(try text(block) == "event:  e\nid:  i\ndata:  World\ndata:   two\n\n")
    }

    @Test("Empty values are written, and empty data is an event")
    func emptyValues() throws {
        let block = EventBlock(comment: "", event: "", id: "", data: "")
        #expect(try text(block, tight) == ":\nevent:\nid:\ndata:\n\n")
        #expect(try Parsed(text(block, tight)).events == [ServerSentEvent()])
    }

    @Test("CR, LF and NUL are refused in the fields that are one line", arguments: ["\r", "\n", "\r\n", "\0"])
    func forbiddenBytes(_ byte: String) {
        let blocks = [
            "event": EventBlock(event: "a\(byte)data: pwned", data: "x"),
            "id": EventBlock(id: "\(byte)", data: "x"),
        ]
        for (field, block) in blocks {
            let error = #expect(throws: EventStreamEncoderError.self) { try encoder.encode(block) }
            #expect(error?.code == .forbiddenByte)
            #expect(error?.field == field)
            #expect(throws: EventStreamEncoderError.self) { try encoder.byteCount(of: block) }
        }
    }

    @Test("A negative retry is refused")
    func negativeRetry() {
        let error = #expect(throws: EventStreamEncoderError.self) { try encoder.encode(EventBlock(retry: -1)) }
        #expect(error?.code == .negativeRetry)
        #expect(error.map { "\($0)" } == "negativeRetry: \(error?.message ?? "")")
    }

    @Test("A block of nothing is refused, since it would be a bare blank line")
    func emptyBlock() {
        let error = #expect(throws: EventStreamEncoderError.self) { try encoder.encode(EventBlock()) }
        #expect(error?.code == .emptyBlock)
        #expect(error?.field == nil)
    }

    @Test("A retry is written in decimal", arguments: [0, 1, 9, 10, 99, 100, 2000, Int.max - 1, Int.max])
    func retry(_ milliseconds: Int) throws {
        #expect(try text(EventBlock(retry: milliseconds)) == "retry: \(milliseconds)\n\n")
    }

    @Test("Appending leaves what is there, and leaves it alone when the block is refused")
    func append() throws {
        var bytes = Array("before|".utf8)
        try encoder.append(EventBlock(data: "x"), to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "before|data: x\n\n")
        #expect(throws: EventStreamEncoderError.self) { try encoder.append(EventBlock(), to: &bytes) }
        #expect(String(decoding: bytes, as: UTF8.self) == "before|data: x\n\n")
    }

    @Test("Writing touches only the bytes that were announced")
    func writeIsExact() throws {
        let block = EventBlock(comment: "c", event: "e", retry: 1, id: "i", data: [0x61, 0xFF, 0x0D, 0x0A, 0xE2])
        let count = try encoder.byteCount(of: block)
        var bytes = [UInt8](repeating: 0xAA, count: count + 8)
        let written = try bytes.withUnsafeMutableBytes { try encoder.write(block, into: $0) }
        #expect(written == count)
        #expect(try Array(bytes[..<count]) == encoder.encode(block))
        #expect(bytes[count...].allSatisfy { $0 == 0xAA })
    }

    @Test("Every pair and triple of bytes is repaired just as String does it")
    func repair() throws {
        // One byte of each class that table 3-7 of the Unicode standard knows, and the edges of each.
        let classes: [UInt8] = [
            0x20, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE,
            0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ]
        for first in classes {
            for second in classes {
                for third in classes {
                    for fourth in [0x41, 0x80, 0xBF, 0xC2] as [UInt8] {
                        let data = [0x61, first, second, third, fourth]
                        let expected = "data:\(String(decoding: data, as: UTF8.self))\n\n"
                        try #require(try tight.encode(EventBlock(data: data)) == Array(expected.utf8), "\(data)")
                    }
                }
            }
        }
    }
}
