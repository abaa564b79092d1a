import Testing

@testable import ServerSentEvents

@Suite("Parser: limits and work")
struct ParserLimitTests {
    private let limits = EventStreamParser.Limits(lineBytes: 10, eventBytes: 12)

    @Test("A line as long as the limit passes over every chunking, a longer one is refused")
    func lineLimit() throws {
        for chunks in Chunking.all(of: Array("data: 5678\r\n: 34567890\n\n".utf8)) {
            #expect(try Parsed(chunks, limits: limits).events.map(\.data) == ["5678"])
        }
        for text in ["data: a\n\n:2345678901\n", ":2345678901", "ignored: 01", "\u{FEFF}:2345678901"] {
            for chunks in Chunking.all(of: Array(text.utf8)) {
                let error = #expect(throws: EventStreamParserError.self) { try Parsed(chunks, limits: limits) }
                #expect(error?.code == .lineTooLong)
                #expect(error?.limit == 10)
            }
        }
    }

    @Test("The data of an event, line feeds included, as long as the limit passes, longer data is refused")
    func eventLimit() throws {
        for chunks in Chunking.all(of: Array("data:12345\ndata:789\ndata:1\n\ndata:12345\n\n".utf8)) {
            #expect(try Parsed(chunks, limits: limits).events.map(\.data) == ["12345\n789\n1", "12345"])
        }
        for text in ["data:12345\ndata:789\ndata:12\ndata\n\n", String(repeating: "data\n", count: 14)] {
            for chunks in Chunking.all(of: Array(text.utf8)) {
                let error = #expect(throws: EventStreamParserError.self) { try Parsed(chunks, limits: limits) }
                #expect(error?.code == .eventTooLong)
                #expect(error?.limit == 12)
            }
        }
        let short = EventStreamParser.Limits(lineBytes: 10, eventBytes: 2)
        for chunks in Chunking.all(of: Array("data:123\n".utf8)) {
            #expect(throws: EventStreamParserError.eventTooLong(limit: 2)) { try Parsed(chunks, limits: short) }
        }
    }

    @Test("A last line that is kept obeys the limits, too")
    func limitAtTheEnd() throws {
        #expect(throws: EventStreamParserError.eventTooLong(limit: 1)) {
            try Parsed([Array("data:12".utf8)], limits: .init(eventBytes: 1), keepingUnfinishedBlock: true)
        }
        #expect(throws: EventStreamParserError.lineTooLong(limit: 1)) {
            try Parsed([[0xEF, 0xBB]], limits: .init(lineBytes: 1), keepingUnfinishedBlock: true)
        }
    }

    @Test("What came before a limit was exceeded is reported, and the parser stays failed")
    func staysFailed() throws {
        var parser = EventStreamParser(limits: limits)
        var outputs: [EventStreamParser.Output] = []
        let bytes = Array("data: a\n\n: too long a line\ndata: b\n\n".utf8)
        #expect(throws: EventStreamParserError.lineTooLong(limit: 10)) {
            try bytes.withUnsafeBytes { try parser.parse($0) { outputs.append($0) } }
        }
        #expect(outputs == [.event(ServerSentEvent(data: "a"))])
        #expect(throws: EventStreamParserError.lineTooLong(limit: 10)) { try parser.parse(Array("\n".utf8)) }
        parser.finish()
        #expect(throws: EventStreamParserError.lineTooLong(limit: 10)) { try parser.parse(Array("\n".utf8)) }
        #expect(throws: EventStreamParserError.lineTooLong(limit: 10)) {
            try parser.finishKeepingUnfinishedBlock { _ in }
        }
    }

    @Test("An error says the limit and what to do")
    func message() {
        let error = EventStreamParserError.lineTooLong(limit: 1024)
        #expect("\(error)".hasPrefix("lineTooLong: A line of the event stream is longer than 1024 bytes."))
    }

    @Test(
        "Each byte is searched at most twice, however the line ends are mixed",
        arguments: ["\n", "\r", "\r\n", "\n\r", "x\r", "x\n", "x\r\nyy\nz\r", String(repeating: "a", count: 99)]
    )
    func searchIsLinear(_ pattern: String) {
        let bytes = Array(repeatElement(Array(pattern.utf8), count: (1 << 18) / pattern.utf8.count).joined())
        bytes.withUnsafeBytes { bytes in
            var cursor = LineCursor(bytes)
            while cursor.next() != nil {}
            #expect(cursor.searchedBytes <= 2 * bytes.count)
        }
    }

    @Test("An event of 1 MB is searched once per kind of line end, in reads of any size", arguments: [1, 7, 64, 1024])
    func workIsLinear(_ chunkSize: Int) throws {
        let stream = Array("data: ".utf8) + [UInt8](repeating: 0x61, count: 1_000_000) + Array("\n\n".utf8)
        var parser = EventStreamParser()
        var outputs: [EventStreamParser.Output] = []
        for start in stride(from: 0, to: stream.count, by: chunkSize) {
            outputs += try parser.parse(Array(stream[start..<min(stream.count, start + chunkSize)]))
        }
        #expect(outputs == [.event(ServerSentEvent(data: String(repeating: "a", count: 1_000_000)))])
        #expect(parser.searchedBytes <= 2 * stream.count)
    }
}
