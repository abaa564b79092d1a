import ServerSentEvents
import Testing

@testable import EventSource

/// Freshet's NDJSON, and how long its lines get.
@Suite struct EventLineTests {
    private static let body =
        #"{"id":"a","event":"start","data":{"offset":"a"}}"# + "\n\n"
        + #"{"id":"b","data":"a\r\n\u0001"}"# + "\n" + #"{"event":"x","data":[1, 2]}"# + "\n"

    private static let outputs: [EventStreamParser.Output] = [
        .event(ServerSentEvent(type: "start", data: #"{"offset":"a"}"#, lastEventID: "a")), .comment(""),
        .event(ServerSentEvent(type: "message", data: #""a\r\n\u0001""#, lastEventID: "b")),
        .event(ServerSentEvent(type: "x", data: "[1, 2]", lastEventID: "b")),
    ]

    private func parse(_ pieces: [ArraySlice<UInt8>], limit: Int = 100) throws -> [EventStreamParser.Output] {
        var parser = EventLineParser(limit: limit, lastEventID: "")
        var outputs: [EventStreamParser.Output] = []
        for piece in pieces { try piece.withUnsafeBytes { try parser.parse($0) { outputs.append($0) } } }
        return outputs
    }

    @Test func `Lines are events, and an empty one is a heartbeat, however they are cut`() throws {
        let bytes = Array(Self.body.utf8)
        for cut in 0...bytes.count {
            #expect(try parse([bytes[..<cut], bytes[cut...]]) == Self.outputs)
        }
        #expect(try parse(bytes.indices.map { bytes[$0...$0] }) == Self.outputs)
    }

    @Test func `A line of the limit is read, and one byte more is not, finished or not`() throws {
        let line = Array(#"{"data":"xyz"}"#.utf8)
        #expect(try parse([(line + [0x0A])[...]], limit: line.count).count == 1)
        #expect(throws: EventLineParser.Failure.lineTooLong(limit: line.count - 1)) {
            try parse([(line + [0x0A])[...]], limit: line.count - 1)
        }
        #expect(throws: EventLineParser.Failure.lineTooLong(limit: line.count - 1)) {
            try parse(line.indices.map { line[$0...$0] }, limit: line.count - 1)
        }
    }

    @Test(arguments: ["null", "[]", #"{"id":"a"}"#, "data: x", #"{"data":"#])
    func `A line that is no event is told with its number`(line: String) {
        #expect(throws: EventLineParser.Failure.notAnEvent(line: 2)) {
            try parse([Array("\n\(line)\n".utf8)[...]])
        }
    }

    @Test func `The bounds hold the longest of an event's forms`() {
        for bytes in [1, 2, 3, 100, 1 << 20, 1 << 30] {
            let bounds = ServerBounds(eventBytes: bytes)
            let replaced = "data: ".utf8.count + 3 * bytes
            let base64 = "data: ".utf8.count + (bytes + 2) / 3 * 4
            #expect(bounds.eventStreamLine >= max(replaced, base64))
            #expect(bounds.eventStreamData >= max(3 * bytes, (bytes + 2) / 3 * 4))
            #expect(bounds.ndjsonLine >= #"{"id":"00000000000A","data":""}"#.utf8.count + 6 * bytes)
        }
        let usual = EventSource.Configuration.freshet.limits
        #expect(usual.lineBytes == ServerBounds(eventBytes: 1 << 20).eventStreamLine)
        #expect(EventSource.Configuration.freshet(eventBytes: 8 << 20).limits.eventBytes == 24 << 20)
    }
}
