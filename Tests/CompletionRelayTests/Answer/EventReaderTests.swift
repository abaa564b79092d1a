import NIOCore
import StreamCore
import Testing
import TextCodecs

@testable import CompletionRelay

@Suite("Reading the bytes of an answer")
struct EventReaderTests {
    /// A body, cut everywhere, and what the answer came to.
    private func read(
        _ text: String,
        _ format: WireFormat = .chat,
        size: Int = 1,
        isClean: Bool = true
    ) -> (data: [String], end: EndRequest) {
        var reader = EventReader(format, eventBytes: 1000)
        var data: [String] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            data += reader.received(ByteBuffer(bytes: rest.prefix(size))).kept.map {
                String(decoding: $0.body.data, as: UTF8.self)
            }
            rest = rest.dropFirst(size)
        }
        let last = reader.ended(isClean: isClean)
        return (data + last.kept.map { String(decoding: $0.body.data, as: UTF8.self) }, last.end)
    }

    private static let finished = #"{"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}"#

    @Test(
        "the last event is read without its blank line, or its line end, where the body ends well",
        arguments: [1, 3, 1000]
    )
    func lastLine(size: Int) {
        for end in ["", "\n", "\r", "\r\n", "\n\n"] {
            for last in ["[DONE]", Self.finished] {
                let read = read("data: \(Self.finished)\n\ndata: \(last)\(end)", size: size)
                #expect(read.data == [Self.finished, last])
                #expect(read.end == EndRequest(.done))
            }
        }
        #expect(read("data: [DONE] ", size: size).end == EndRequest(.done))
        // A body that is torn may have been torn within it.
        #expect(read("data: \(Self.finished)\n\ndata: [DONE]", isClean: false).data == [Self.finished])
        // And so may one that ends well, if it was cut before it came here.
        let half = read("data: \(Self.finished)\n\ndata: {\"choices\":[{\"ind")
        #expect(half.data == [Self.finished])
        #expect(half.end == EndRequest(.done))
    }

    @Test(
        "an error that stands beside the events is found, however it is cut",
        arguments: [
            "{\"error\":{\"code\":400,\"message\":\"too small\"}}",
            "{\"error\":{\"code\":400,\"message\":\"too small\"}}\n\n",
            "{\n  \"error\": {\n    \"message\": \"too small\"\n  }\n}\n",
            "[{\"error\":{\"message\":\"too small\"}}]",
            "{\"message\":\"too small\",\"code\":400}",
            "{\"detail\":\"too small\"}\n",
            "Failed:\n{\"error\":{\"message\":\"too small\"}}\n",
            "{\"choices\":[]}\n{\"error\":{\"message\":\"too small\"}}",
            "error: {\"code\":400,\"message\":\"too small\"}\n\n",
            "error: {\"error\":{\"message\":\"too small\"}}",
            "error:too small\n\n",
            "Error: too small\n\n",
            "\u{FEFF}error: \"too small\"\n\n",
        ]
    )
    func stray(text: String) {
        for line in ["\n", "\r\n", "\r"] {
            let text = text.replacing("\n", with: line)
            for before in ["", ": hello\(line)\(line)", "data: {\"choices\":[]}\(line)\(line)"] {
                for size in [1, 2, 7, 1000] {
                    let whole = before + (before.isEmpty ? text : text.replacing("\u{FEFF}", with: ""))
                    let read = read(whole, size: size)
                    #expect(read.end == EndRequest(.failed, detail: "too small"), "\(whole)")
                    #expect(JSONSlice(Array((read.data.last ?? "").utf8))["error"]?["message"]?.string == "too small")
                }
            }
        }
    }

    @Test("the first word counts, whether it stands in an event or beside them")
    func order() {
        #expect(read("error: first\n\ndata: [DONE]\n\n", size: 1000).end == EndRequest(.failed, detail: "first"))
        #expect(read("data: [DONE]\n\nerror: late\n\n", size: 1000).end == EndRequest(.done))
    }

    @Test(
        "lines that are of an event, or say nothing, are no errors",
        arguments: [
            "data", "event", "id", "retry", "data:", "errors: x", "{}", "{\"choices\":[]}", "<html>", "ok", "}",
            "{\"message\":{\"content\":\"x\"}}",
        ]
    )
    func harmless(line: String) {
        let read = read("\(line)\n\ndata: \(Self.finished)\n\n\(line)\n\n")
        #expect(read.end == EndRequest(.done))
    }

    @Test("much that is no event is not held")
    func bounded() {
        let flood = String(repeating: "{\"x\":\"" + String(repeating: "y", count: 900) + "\"}\n", count: 500)
        let whole = read(flood + "\ndata: \(Self.finished)\n\n", size: 700)
        #expect(whole.end == EndRequest(.done))
    }

    @Test("an event of the limit passes, and one byte more does not")
    func limit() {
        for (count, isRead) in [(1000, true), (1001, false)] {
            var reader = EventReader(.chat, eventBytes: 1000)
            let text = "data: \(String(repeating: "x", count: count))\n\n"
            let read = reader.received(ByteBuffer(string: text))
            #expect(read.isTooLarge == !isRead)
            #expect(read.kept.count == (isRead ? 1 : 0))
        }
    }
}
