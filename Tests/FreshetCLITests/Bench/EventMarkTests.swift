import Foundation
import Testing

@testable import FreshetCLI

@Suite struct EventMarkTests {
    @Test(
        arguments: [
            EventMark(clock: 0, sequence: 0, due: 0),
            EventMark(clock: 7, sequence: 42, due: 1_234_567_890_123),
            EventMark(clock: .max, sequence: .max, due: .max),
        ],
        [96, 100, 65_536]
    )
    func `an event is as long as it was asked for, is JSON, and tells its mark`(mark: EventMark, bytes: Int) throws {
        let line = mark.line(bytes: bytes)
        #expect(line.count == bytes)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(!line.dropLast().contains(UInt8(ascii: "\n")))
        #expect(try JSONSerialization.jsonObject(with: Data(line)) is [String: Any])
        #expect(EventMark.parse(line) == mark)
        #expect(EventMark.parse(line.dropLast()) == mark)
    }

    @Test(
        arguments: [
            "", "{}", "hello", #"{"bench":"#, #"{"bench":1,"sequence":2,"due":3}"#,
            #"{"bench":4294967296,"sequence":2,"due":3,"fill":""}"#,
            #"{"bench":1,"sequence":18446744073709551616,"due":3,"fill":""}"#,
            #"{"bench":1,"sequence":-2,"due":3,"fill":""}"#, #"{"bench":1,"sequence":,"due":3,"fill":""}"#,
        ]
    )
    func `what others appended has no mark`(text: String) {
        #expect(EventMark.parse(text.utf8) == nil)
    }

    @Test func `a body has its events one after the other`() throws {
        let body = BenchContext.body(3, due: 5, BodyShape(events: 4, bytes: 120))
        let lines = body.split(separator: UInt8(ascii: "\n"))
        #expect(body.count == 480)
        #expect(lines.map { EventMark.parse($0)?.sequence } == [12, 13, 14, 15])
        #expect(lines.allSatisfy { EventMark.parse($0)?.due == 5 && EventMark.parse($0)?.clock == EventMark.thisClock })
    }
}
