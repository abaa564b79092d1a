import ServerSentEvents
import StreamCore
import Testing

@testable import DurableStream

@Suite struct BatcherTests {
    /// Every batch that comes out when the input arrives in pieces of that size and each batch is taken at once.
    private func batches(_ input: String, _ kind: StreamKind, by size: Int) throws -> [String] {
        var batcher = Batcher(kind: kind)
        var batches: [String] = []
        let bytes = Array(input.utf8)
        var start = 0
        while start < bytes.count {
            let end = min(start + size, bytes.count)
            try batcher.append(Array(bytes[start..<end]))
            start = end
            while let batch = try batcher.next() { batches.append(String(decoding: batch, as: UTF8.self)) }
        }
        batcher.finish()
        while let batch = try batcher.next() { batches.append(String(decoding: batch, as: UTF8.self)) }
        return batches
    }

    @Test(arguments: 1...12)
    func `Text is cut after whole characters, whatever the chunking`(size: Int) throws {
        let text = "aé€😀\u{301}🇨🇭z"
        let batches = try batches(text, .text, by: size)
        #expect(batches.joined() == text)
        #expect(!batches.contains { $0.contains("\u{FFFD}") })
    }

    @Test func `Bytes that are not UTF-8 are passed on and not waited for`() throws {
        for bytes: [UInt8] in [[0xFF], [0x80, 0x80, 0x80, 0x80], [0xC0], [0x61, 0xF8], [0xE2, 0x82, 0xAC, 0x80]] {
            var batcher = Batcher(kind: .text)
            try batcher.append(bytes)
            #expect(try batcher.next() == bytes)
        }
    }

    @Test func `A character that the end of the input cuts off is sent as it is`() throws {
        var batcher = Batcher(kind: .text)
        try batcher.append([0x61, 0xE2, 0x82])
        #expect(try batcher.next() == [0x61])
        #expect(try batcher.next() == nil)
        batcher.finish()
        #expect(try batcher.next() == [0xE2, 0x82])
    }

    @Test(arguments: ["\n", "\r\n", "\r"], 1...9)
    func `Event blocks stay whole with every line end and chunking`(lineEnd: String, size: Int) throws {
        let input = [
            "data: a", "", "event: x", "data: b", "data: c", "", "", ": only a comment", "", "id: 7", "", "data: d",
        ]
        .joined(separator: lineEnd)
        let batches = try batches(input, .eventStream, by: size)
        var events: [String] = []
        for batch in batches {
            // Each batch alone has whole events only: nothing is left over in a parser of its own.
            var parser = EventStreamParser()
            let outputs = try parser.parse(Array(batch.utf8))
            var count = 0
            for case .event(let event) in outputs {
                events.append(event.type + ":" + event.data)
                count += 1
            }
            #expect(count > 0)
            #expect(!parser.hasUnfinishedBlock)
        }
        #expect(events == ["message:a", "x:b\nc", "message:d"])
    }

    @Test(arguments: [("\n", StreamKind.ndjson), ("\r\n", .ndjson), ("\n", .eventStream), ("\r\n", .eventStream)])
    func `What was taken is cut again into half as many, and nothing is lost or doubled`(
        lineEnd: String,
        kind: StreamKind
    ) throws {
        let piece = kind == .ndjson ? "1\(lineEnd)" : "data: 1\(lineEnd)\(lineEnd)"
        var batcher = Batcher(kind: kind)
        try batcher.append(Array(String(repeating: piece, count: 10).utf8))
        let whole = try batcher.next()
        #expect(whole?.count == 10 * piece.utf8.count)
        try batcher.append(Array(piece.utf8))
        var batches: [Int] = []
        let isCut = batcher.cutSmaller(by: .events)
        #expect(isCut)
        while let batch = try batcher.next() { batches.append(batch.count) }
        #expect(batches.reduce(0, +) == 11 * piece.utf8.count)
        #expect(batches.allSatisfy { $0 <= 5 * piece.utf8.count + 1 })
        #expect(batches.count == 3)
    }

    @Test(arguments: 1...9)
    func `Lines stay whole and the last needs no line end`(size: Int) throws {
        let batches = try batches("{\"a\":1}\n\n  \n2\r\n\"three\"", .ndjson, by: size)
        #expect(batches.allSatisfy { $0.hasSuffix("\n") || $0.hasSuffix("\r\n") })
        let lines = batches.joined().split { $0 == "\n" || $0 == "\r\n" }.filter { !$0.allSatisfy { $0 == " " } }
        #expect(lines == ["{\"a\":1}", "2", "\"three\""])
    }

    @Test func `Lines of JSON that wait together become one array`() throws {
        var batcher = Batcher(kind: .json)
        try batcher.append(Array("1\n\n[2,3]\n{\"a\":4}\nrest".utf8))
        #expect(try batcher.next().map { String(decoding: $0, as: UTF8.self) } == "[1,[2,3],{\"a\":4}]")
        #expect(try batcher.next() == nil)
    }

    @Test(arguments: [(StreamKind.json, "[1,2]"), (.ndjson, "1\n2\n")])
    func `A line that is not JSON is named, after everything before it was given`(
        kind: StreamKind,
        before: String
    ) throws {
        var batcher = Batcher(kind: kind)
        try batcher.append(Array("1\n2\n\nnot\n5\n".utf8))
        #expect(try batcher.next().map { String(decoding: $0, as: UTF8.self) } == before)
        for _ in 0..<2 {
            #expect {
                try batcher.next()
            } throws: { error in
                guard case .notJSON(let line, _) = error as? Batcher.Failure else { return false }
                return line == 4
            }
        }
    }

    @Test(arguments: ["\n", "\r\n", "\r"], [1, 2, 3, 7, 100])
    func `An event type of the server's own is named with its line, after everything before it was given`(
        lineEnd: String,
        size: Int
    ) throws {
        let input =
            [": hello", "data: a", "", "", "event: x", "data: b", "", "id: 7", "eventual: no", "event: end"]
            + ["data: c", "", "data: d", "", ""]
        let bytes = Array(input.joined(separator: lineEnd).utf8)
        var batcher = Batcher(kind: .eventStream)
        var given: [String] = []
        var failure: Batcher.Failure?
        for start in stride(from: 0, to: bytes.count, by: size) where failure == nil {
            try batcher.append(Array(bytes[start..<min(start + size, bytes.count)]))
            do {
                while let batch = try batcher.next() {
                    var parser = EventStreamParser()
                    for case .event(let event) in try parser.parse(batch) { given.append(event.data) }
                }
            } catch let error as Batcher.Failure {
                failure = error
            }
        }
        #expect(failure == .badType(line: 10, type: "end"))
        #expect(given == ["a", "b"])
    }

    @Test func `An event type of the server's own in a block without data is no event`() throws {
        #expect(try batches("event: end\n\ndata: a\n\n", .eventStream, by: 1).joined().contains("data: a"))
    }

    @Test func `A batch ends at the last boundary within its size, or the first beyond`() throws {
        var batcher = Batcher(kind: .ndjson)
        let short = String(repeating: "1", count: 999) + "\n"
        let long = String(repeating: "2", count: 100_000) + "\n"
        try batcher.append(Array((String(repeating: short, count: 100) + long + short).utf8))
        var sizes: [Int] = []
        while let batch = try batcher.next() { sizes.append(batch.count) }
        #expect(sizes == [65_000, 35_000, 100_001, 1000])
        #expect(batcher.pendingBytes == 0)
    }

    @Test(arguments: [StreamKind.ndjson, .json, .eventStream])
    func `A line without an end is refused before it fills the memory`(kind: StreamKind) throws {
        var batcher = Batcher(kind: kind)
        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
        #expect(throws: Batcher.Failure.self) {
            for _ in 0..<32 { try batcher.append(piece) }
        }
    }

    @Test func `An event of a binary stream has a body of its own, also beside input as it comes`() throws {
        var batcher = Batcher(kind: .binary)
        try batcher.append([1])
        try batcher.append([2])
        try batcher.append(event: [3, 4])
        try batcher.append(event: [5])
        try batcher.append([6])
        var batches: [[UInt8]] = []
        while let batch = try batcher.next() { batches.append(batch) }
        #expect(batches == [[1, 2], [3, 4], [5], [6]])
    }

    @Test func `An event of a binary stream is not cut, and what is cut beside it leaves it whole`() throws {
        let event = [UInt8](repeating: 7, count: 100)
        var batcher = Batcher(kind: .binary)
        try batcher.append(event: event)
        _ = try batcher.next()
        let isCut = batcher.cutSmaller(by: .bytes)
        #expect(!isCut)
        batcher = Batcher(kind: .binary, mostBytes: 100)
        try batcher.append([UInt8](repeating: 1, count: 250))
        try batcher.append(event: event)
        // What is there before an event is one body with its end.
        let first = try batcher.next()
        #expect(first?.count == 100)
        let isCutAgain = batcher.cutSmaller(by: .bytes)
        #expect(isCutAgain)
        var sizes: [Int] = []
        var last: [UInt8] = []
        while let batch = try batcher.next() {
            sizes.append(batch.count)
            last = batch
        }
        #expect(sizes == [50, 50, 50, 50, 50, 100])
        #expect(last == event)
    }

    @Test func `Bodies keep to the bounds that they are given`() throws {
        var batcher = Batcher(kind: .json, mostBytes: 8, mostPieces: 3)
        try batcher.append(Array("1\n2\n3\n4\n5555\n66\n".utf8))
        var batches: [String] = []
        while let batch = try batcher.next() { batches.append(String(decoding: batch, as: UTF8.self)) }
        #expect(batches == ["[1,2,3]", "[4,5555]", "[66]"])
    }

    @Test func `The types that Freshet keeps for itself are those of the server`() {
        #expect(Batcher.reservedTypes == Set(ReservedEventType.allCases.map(\.rawValue)))
    }

    @Test(arguments: [
        "text/plain", "TEXT/Plain; charset=utf-8", "text/event-stream", "application/json", "Application/JSON;x=y",
        "application/x-ndjson", "application/ndjson", "application/octet-stream", "image/png", " text/markdown",
    ])
    func `A media type means the same as to the server`(type: String) throws {
        let theirs = try #require(ContentType(type)).kind
        let same: [ContentType.Kind: StreamKind] = [
            .eventStream: .eventStream, .json: .json, .ndjson: .ndjson, .text: .text, .binary: .binary,
        ]
        #expect(StreamKind(type) == same[theirs])
    }
}
