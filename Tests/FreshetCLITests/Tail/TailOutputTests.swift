import EventSource
import ServerSentEvents
import StreamCore
import Testing

@testable import FreshetCLI

@Suite struct TailOutputTests {
    private func print(
        _ data: String,
        _ kind: ContentType.Kind?,
        ndjson: Bool = false,
        type: String = "message",
        isForTerminal: Bool = false
    ) -> String {
        let event = ServerSentEvent(type: type, data: data, lastEventID: "00000000000A")
        let output = TailOutput(isNDJSON: ndjson, kind: kind, isForTerminal: isForTerminal)
        return String(decoding: output.bytes(for: .event(event)), as: UTF8.self)
    }

    @Test func `Text goes out as it was appended, the rest one event a line, binary as its bytes`() {
        #expect(print(" word", .text) == " word")
        #expect(print("a\nb", .eventStream) == "a\nb\n")
        #expect(print("{}", .json) == "{}\n")
        #expect(print("x", nil) == "x\n")
        #expect(
            TailOutput(isNDJSON: false, kind: .binary, isForTerminal: false).bytes(for: .event(.init(data: "/wA=")))
                == [0xFF, 0]
        )
    }

    @Test func `A string of the server's NDJSON is text, and stays a string where the events are JSON`() {
        #expect(print(#""a\r\nb""#, .text) == "a\r\nb")
        #expect(print(#""a""#, .json) == "\"a\"\n")
        #expect(print(#""1""#, .ndjson, ndjson: true) == "{\"id\":\"00000000000A\",\"data\":\"1\"}\n")
        #expect(print(#""1""#, .text, ndjson: true) == "{\"id\":\"00000000000A\",\"data\":\"1\"}\n")
        #expect(
            TailOutput(isNDJSON: false, kind: .binary, isForTerminal: false).bytes(for: .event(.init(data: #""/wA=""#)))
                == [0xFF, 0]
        )
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

    @Test func `A terminal is shown what strangers appended, and is not driven by it; a pipe gets the bytes`() {
        let data = "a\u{1B}[2J\tb\u{9B}\u{202E}\nc\r"
        #expect(print(data, .text) == data)
        #expect(print(data, .text, isForTerminal: true) == "a\\u{1B}[2J\tb\\u{9B}\\u{202E}\nc\\u{D}")
        #expect(print("mw==", .binary, isForTerminal: true) == "\u{FFFD}")
        // JSON means the same either way.
        #expect(print("\u{9B}", .text, ndjson: true) == "{\"id\":\"00000000000A\",\"data\":\"\\u009b\"}\n")
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
