import EventSource
import ServerSentEvents
import StreamCore
import Testing

@testable import FreshetCLI

@Suite struct TailOutputTests {
    private func print(_ data: String, _ kind: ContentType.Kind?, ndjson: Bool = false, type: String = "message")
        -> String
    {
        let event = ServerSentEvent(type: type, data: data, lastEventID: "00000000000A")
        let output = TailOutput(isNDJSON: ndjson, kind: kind)
        return String(decoding: output.bytes(for: .event(event)), as: UTF8.self)
    }

    @Test func `Text goes out as it was appended, the rest one event a line, binary as its bytes`() {
        #expect(print(" word", .text) == " word")
        #expect(print("a\nb", .eventStream) == "a\nb\n")
        #expect(print("{}", .json) == "{}\n")
        #expect(print("x", nil) == "x\n")
        #expect(TailOutput(isNDJSON: false, kind: .binary).bytes(for: .event(.init(data: "/wA="))) == [0xFF, 0])
    }

    @Test func `A line holds JSON as JSON and everything else as a string`() {
        #expect(print("{\"a\": 1}", .json, ndjson: true) == "{\"id\":\"00000000000A\",\"data\":{\"a\": 1}}\n")
        #expect(print("not json", .ndjson, ndjson: true) == "{\"id\":\"00000000000A\",\"data\":\"not json\"}\n")
        #expect(
            print("a\n\"\u{1}\\é", .text, ndjson: true, type: "x")
                == "{\"id\":\"00000000000A\",\"event\":\"x\",\"data\":\"a\\n\\\"\\u0001\\\\é\"}\n"
        )
        #expect(print("/wA=", .binary, ndjson: true).hasSuffix("\"data\":\"/wA=\",\"base64\":true}\n"))
    }

    @Test func `Gap, start and end are lines too, and nothing without lines`() {
        let elements: [(EventSource.Element, String)] = [
            (.start(offset: "S"), #"{"id":"S","event":"start","data":{"offset":"S"}}"#),
            (
                .gap(.init(requested: "A", resumed: "B")),
                #"{"id":"B","event":"gap","data":{"requested":"A","resumed":"B"}}"#
            ),
            (.end(.init(reason: .failed, detail: "d")), #"{"event":"end","data":{"reason":"failed","detail":"d"}}"#),
        ]
        for (element, line) in elements {
            let bytes = TailOutput(isNDJSON: true, kind: .text).bytes(for: element)
            #expect(String(decoding: bytes, as: UTF8.self) == line + "\n")
            #expect(TailOutput(isNDJSON: false, kind: .text).bytes(for: element).isEmpty)
        }
    }
}
