import StreamCore
import StreamHTTP
import Testing

@Suite("Events in both forms")
struct EventWriterTests {
    private let id = Offset(1).text

    @Test("an event is a block: its type unless it is message, its id, its data")
    func block() {
        #expect(sse(StreamEvent(1, "hello")) == "id: \(id)\ndata: hello\n\n")
        #expect(sse(StreamEvent(1, "hello", type: "token")) == "event: token\nid: \(id)\ndata: hello\n\n")
        #expect(sse(StreamEvent(1, "a\nb\r\nc\rd")) == "id: \(id)\ndata: a\ndata: b\ndata: c\ndata: d\n\n")
        #expect(sse(StreamEvent(1, " x\n\nid: 9")) == "id: \(id)\ndata:  x\ndata: \ndata: id: 9\n\n")
        #expect(sse(StreamEvent(1, "hello"), retry: 2000) == "retry: 2000\nid: \(id)\ndata: hello\n\n")
    }

    @Test("binary data goes as base64")
    func binary() {
        let event = StreamEvent(offset: Offset(1), body: EventBody(data: [0xFF, 0x0A]))
        #expect(sse(event, kind: .binary) == "id: \(id)\ndata: /wo=\n\n")
        #expect(ndjson(event, kind: .binary) == "{\"id\":\"\(id)\",\"data\":\"/wo=\",\"base64\":true}\n")
    }

    @Test("an event is a line of JSON: data is the value of JSON streams and a string of others")
    func line() {
        #expect(ndjson(StreamEvent(1, "a\nb \"c\"")) == #"{"id":"\#(id)","data":"a\nb \"c\""}"# + "\n")
        #expect(
            ndjson(StreamEvent(1, "x", type: "to\"ken")) == #"{"id":"\#(id)","event":"to\"ken","data":"x"}"# + "\n"
        )
        #expect(ndjson(StreamEvent(1, "{\"a\":\r\n1}"), kind: .json) == #"{"id":"\#(id)","data":{"a":  1}}"# + "\n")
        #expect(ndjson(StreamEvent(1, "[1]"), kind: .ndjson) == #"{"id":"\#(id)","data":[1]}"# + "\n")
    }

    @Test("a foreign reader is shown type and data alone, under the type's own name, and nothing of Freshet's")
    func foreign() {
        func foreign(_ event: StreamEvent) -> String { written(.foreign) { $0.append(event, retry: 2000, to: &$1) } }
        #expect(foreign(StreamEvent(1, "a\nb")) == "data: a\ndata: b\n\n")
        #expect(foreign(StreamEvent(1, "{}", type: "ping")) == "event: ping\ndata: {}\n\n")
        #expect(foreign(StreamEvent(1, "{}", type: "upstream:end")) == "event: end\ndata: {}\n\n")
        let end = StreamEnd(reason: .done, detail: nil, offset: Offset(1))
        #expect(written(.foreign) { $0.appendEnd(end, retry: nil, to: &$1) } == "")
    }

    @Test("the end, with its reason and what the producer added")
    func end() {
        let end = StreamEnd(reason: .failed, detail: "no \"more\"\n", offset: Offset(1))
        let data = #"{"reason":"failed","detail":"no \"more\"\n"}"#
        #expect(written(.sse) { $0.appendEnd(end, retry: nil, to: &$1) } == "event: end\nid: \(id)\ndata: \(data)\n\n")
        #expect(
            written(.ndjson) { $0.appendEnd(end, retry: 2000, to: &$1) }
                == #"{"id":"\#(id)","event":"end","data":\#(data)}"# + "\n"
        )
    }

    @Test("a removal has no id: it is not recorded")
    func removal() {
        #expect(
            written(.sse) { $0.appendRemoval(.expired, retry: nil, to: &$1) }
                == "event: end\ndata: {\"reason\":\"expired\"}\n\n"
        )
        #expect(
            written(.ndjson) { $0.appendRemoval(.deleted, retry: nil, to: &$1) }
                == "{\"event\":\"end\",\"data\":{\"reason\":\"deleted\"}}\n"
        )
    }

    @Test("a gap quotes what was asked for, and cannot be made to say more")
    func gap() {
        let forged = "x\"}\n\ndata: y"
        #expect(
            written(.sse) { $0.appendGap(requested: forged, resumed: Offset(1), retry: 5, to: &$1) }
                == "event: gap\nretry: 5\nid: \(id)\ndata: "
                + #"{"requested":"x\"}\n\ndata: y","resumed":"\#(id)"}"# + "\n\n"
        )
    }

    @Test("where a read from now begins, and why a reader should come back")
    func startAndReconnect() {
        #expect(
            written(.sse) { $0.appendStart(at: Offset(1), retry: 2000, to: &$1) }
                == "event: start\nretry: 2000\nid: \(id)\ndata: {\"offset\":\"\(id)\"}\n\n"
        )
        #expect(
            written(.sse) { $0.appendReconnect(.draining, retry: 7000, to: &$1) }
                == "event: reconnect\nretry: 7000\ndata: {\"why\":\"draining\"}\n\n"
        )
        #expect(
            written(.ndjson) { $0.appendReconnect(.store, retry: 7000, to: &$1) }
                == "{\"event\":\"reconnect\",\"data\":{\"why\":\"store\"}}\n"
        )
    }

    private func sse(_ event: StreamEvent, kind: ContentType.Kind = .eventStream, retry: Int? = nil) -> String {
        written(.sse, kind) { $0.append(event, retry: retry, to: &$1) }
    }

    private func ndjson(_ event: StreamEvent, kind: ContentType.Kind = .eventStream) -> String {
        written(.ndjson, kind) { $0.append(event, to: &$1) }
    }

    private func written(
        _ form: EventForm,
        _ kind: ContentType.Kind = .eventStream,
        _ write: (EventWriter, inout [UInt8]) -> Void
    ) -> String {
        var output: [UInt8] = []
        write(EventWriter(form: form, kind: kind), &output)
        return String(decoding: output, as: UTF8.self)
    }
}
