import FreshetServer
import Testing
import TextCodecs
import Tracing

@testable import FreshetTraces

@Suite("Spans in the JSON of OTLP")
struct ExportRequestTests {
    private func body(_ spans: FinishedSpan...) -> JSONSlice {
        JSONSlice(ExportRequest.body(of: spans, service: "chat", instance: "i1"))
    }

    private func text(_ slice: JSONSlice?) -> String? { slice.map { String(decoding: $0.raw, as: UTF8.self) } }

    private func spans(_ body: JSONSlice) -> [JSONSlice] {
        body["resourceSpans"]?.elements.first?["scopeSpans"]?.elements.first?["spans"]?.elements ?? []
    }

    @Test("all of it, byte by byte")
    func whole() throws {
        var span = FinishedSpan.made(0xAB)
        span.identity.trace = TraceID(high: 0x4BF9_2F35_77B3_4DA6, low: 0xA3CE_929D_0E0E_4736)
        span.identity.state = "a=1"
        var parent = span.identity
        parent.span = SpanID(0xF067_AA0B_A902_B7)
        parent.isRemote = true
        span.parent = parent
        span.attributes = ["b": 2, "a": "x\"y"]
        span.status = SpanStatus(code: .error)
        let version = FreshetVersion.number
        let expected =
            #"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.instance.id","value":{"stringValue":"i1"}},"#
            + #"{"key":"service.name","value":{"stringValue":"chat"}},"#
            + #"{"key":"service.version","value":{"stringValue":"\#(version)"}},"#
            + #"{"key":"telemetry.sdk.language","value":{"stringValue":"swift"}},"#
            + #"{"key":"telemetry.sdk.name","value":{"stringValue":"freshet"}},"#
            + #"{"key":"telemetry.sdk.version","value":{"stringValue":"\#(version)"}}]},"#
            + #""scopeSpans":[{"scope":{"name":"freshet","version":"\#(version)"},"#
            + #""spans":[{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","spanId":"00000000000000ab","traceState":"a=1","#
            + #""parentSpanId":"00f067aa0ba902b7","flags":769,"name":"GET","kind":2,"#
            + #""startTimeUnixNano":"1800000000000000000","endTimeUnixNano":"1800000000500000000","#
            + #""attributes":[{"key":"a","value":{"stringValue":"x\"y"}},{"key":"b","value":{"intValue":"2"}}],"#
            + #""status":{"code":2}}]}]}]}"#
        #expect(text(body(span)) == expected)
        #expect((try? JSONText.validate(body(span).raw)) != nil)
    }

    @Test("a span without a parent, attributes, events or a status has none of these")
    func bare() throws {
        let span = try #require(spans(body(.made())).first)
        #expect(
            span.members.map { $0.name }
                == ["traceId", "spanId", "flags", "name", "kind", "startTimeUnixNano", "endTimeUnixNano"]
        )
        #expect(text(span["flags"]) == "257")
    }

    @Test(
        "kinds are numbers",
        arguments: [
            (SpanKind.internal, "1"), (.server, "2"), (.client, "3"), (.producer, "4"), (.consumer, "5"),
        ]
    )
    func kinds(kind: SpanKind, number: String) {
        var span = FinishedSpan.made()
        span.kind = kind
        #expect(text(spans(body(span)).first?["kind"]) == number)
    }

    @Test(
        "values have the member of their type, and an int64 is a string",
        arguments: [
            (.string("é\n"), #"{"stringValue":"é\n"}"#), (.bool(true), #"{"boolValue":true}"#),
            (.int64(.min), #"{"intValue":"-9223372036854775808"}"#), (.int32(7), #"{"intValue":"7"}"#),
            (.double(0.25), #"{"doubleValue":0.25}"#), (.double(.nan), #"{"doubleValue":"NaN"}"#),
            (.double(-.infinity), #"{"doubleValue":"-Infinity"}"#),
            (.stringArray(["a", "b"]), #"{"arrayValue":{"values":[{"stringValue":"a"},{"stringValue":"b"}]}}"#),
            (.int64Array([1]), #"{"arrayValue":{"values":[{"intValue":"1"}]}}"#),
            (.boolArray([]), #"{"arrayValue":{"values":[]}}"#), (.stringConvertible(5), #"{"stringValue":"5"}"#),
        ] as [(SpanAttribute, String)]
    )
    func values(value: SpanAttribute, json: String) {
        var span = FinishedSpan.made()
        span.attributes.set("a", value: value)
        #expect(text(spans(body(span)).first?["attributes"]) == #"[{"key":"a","value":\#(json)}]"#)
    }

    @Test("events have their time, links their span")
    func eventsAndLinks() throws {
        var span = FinishedSpan.made()
        let first = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_800_000_000_100_000_000)
        span.events = [SpanEvent(name: "first_token", at: first)]
        var context = InstrumentationContext.topLevel
        context.spanIdentity = FinishedSpan.made(2).identity
        span.links = [SpanLink(context: context, attributes: [:]), SpanLink(context: .topLevel, attributes: [:])]
        let written = try #require(spans(body(span, .made(3))).first)
        #expect(text(written["events"]) == #"[{"timeUnixNano":"1800000000100000000","name":"first_token"}]"#)
        #expect(
            text(written["links"])
                == #"[{"traceId":"00000000000000010000000000000002","spanId":"0000000000000002"}]"#
        )
        #expect(spans(body(span, .made(3))).count == 2)
    }
}
