import Locks
import StreamHTTP
import Testing
import Tracing

@testable import FreshetTraces

@Suite("A tracer")
struct SpanTracerTests {
    private let queue = SpanQueue()
    private static let trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    private static let parent = "00f067aa0ba902b7"

    private struct Fields: Injector {
        func inject(_ value: String, forKey key: String, into fields: inout [String: String]) { fields[key] = value }
    }

    /// A tracer whose ids are 1, 2, 3 and so on.
    private func tracer(_ share: Double = 1) -> SpanTracer {
        let count = Counting()
        return SpanTracer(to: queue, Sampler(share: share), random: { count.next() })
    }

    private final class Counting: Sendable {
        private let count = Mutex<UInt64>(0)

        func next() -> UInt64 {
            count.withLock { count in
                count += 1
                return count
            }
        }
    }

    private func called(by tracer: SpanTracer, _ fields: RequestFields) -> InstrumentationContext {
        var context = InstrumentationContext.topLevel
        tracer.extract(fields, into: &context, using: RequestFieldsExtractor())
        return context
    }

    private func injected(_ span: RecordedSpan, by tracer: SpanTracer) -> [String: String] {
        var fields: [String: String] = [:]
        tracer.inject(span.context, into: &fields, using: Fields())
        return fields
    }

    @Test("a span belongs to the trace of its caller, and what it calls is told of it")
    func child() throws {
        let tracer = tracer()
        let context = called(
            by: tracer,
            ["Traceparent": "00-\(Self.trace)-\(Self.parent)-01", "tracestate": "a=1", "TraceState": "b=2"]
        )
        let span = tracer.startSpan("GET", context: context, ofKind: .server)
        #expect(
            injected(span, by: tracer)
                == ["traceparent": "00-\(Self.trace)-0000000000000001-01", "tracestate": "a=1,b=2"]
        )
        let inner = tracer.startSpan("chat", context: span.context, ofKind: .client)
        #expect(injected(inner, by: tracer)["traceparent"] == "00-\(Self.trace)-0000000000000002-01")
        inner.end()
        span.end()
        let spans = queue.all()
        #expect(spans.map(\.name) == ["chat", "GET"])
        #expect(spans.map { "\($0.identity.trace)" } == [Self.trace, Self.trace])
        #expect(spans.map { $0.parent.map { "\($0.span)" } } == ["0000000000000001", Self.parent])
        #expect(spans.map { $0.parent?.isRemote } == [false, true])
    }

    @Test("a trace begins where nobody calls, or by a field that breaks the rules")
    func root() {
        let tracer = tracer()
        let parent = "00-\(Self.trace)-\(Self.parent)-01"
        for fields in [
            [:], ["traceparent": String(parent.dropLast(3))], ["traceparent": parent, "Traceparent": parent],
            ["tracestate": "a=1"],
        ] as [RequestFields] {
            let context = called(by: tracer, fields)
            #expect(context.spanIdentity == nil)
            let span = tracer.startSpan("GET", context: context, ofKind: .server)
            #expect(injected(span, by: tracer)["tracestate"] == nil)
            span.end()
        }
        let spans = queue.all()
        #expect(spans.count == 4 && spans.allSatisfy { $0.parent == nil })
        #expect(spans.first.map { "\($0.identity.trace)" } == "00000000000000010000000000000002")
        #expect(Set(spans.map(\.identity.trace)).count == 4)
    }

    @Test("what the caller has decided holds, whatever the share", arguments: ["00", "01"])
    func decided(flags: String) {
        let tracer = tracer(flags == "01" ? 0 : 1)
        let context = called(by: tracer, ["traceparent": "00-\(Self.trace)-\(Self.parent)-\(flags)"])
        let span = tracer.startSpan("GET", context: context, ofKind: .server)
        #expect(span.isRecording == (flags == "01"))
        #expect(injected(span, by: tracer)["traceparent"]?.hasSuffix("-\(flags)") == true)
        span.updateAttributes { $0["a"] = 1 }
        span.end()
        #expect(queue.all().count == (flags == "01" ? 1 : 0))
    }

    @Test("a share of the traces that begin here is recorded, the same ones by every tracer")
    func share() {
        let half = Sampler(share: 0.5)
        let (below, above) = (TraceID(high: 0, low: 0x7F_FFFF_FFFF_FFFF), TraceID(high: 0, low: 0x80_0000_0000_0000))
        #expect(!half.samples(below) && half.samples(above))
        // What is before the last 56 bits has no part in it.
        #expect(!half.samples(TraceID(high: .max, low: 0xFF7F_FFFF_FFFF_FFFF)))
        for trace in [below, above, TraceID(high: 0, low: 1), TraceID(high: .max, low: .max)] {
            #expect(Sampler(share: 1).samples(trace) && !Sampler(share: 0).samples(trace))
        }
    }

    @Test("a span is over once, and never before it began")
    func over() {
        let tracer = tracer()
        let late = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 2_000)
        let early = DefaultTracerClock.Timestamp(nanosecondsSinceEpoch: 1_000)
        let span = tracer.startSpan("GET", context: .topLevel, ofKind: .server, at: late)
        span.addEvent(SpanEvent(name: "first", at: late))
        span.end(at: early)
        span.updateAttributes { $0["late"] = true }
        span.setStatus(SpanStatus(code: .error))
        span.end()
        #expect(!span.isRecording)
        let spans = queue.all()
        #expect(spans.count == 1)
        #expect(spans.first?.start == 2_000 && spans.first?.end == 2_000)
        #expect(spans.first?.events.map(\.name) == ["first"])
        #expect(spans.first?.attributes.isEmpty == true && spans.first?.status == nil)
    }

    @Test("what an error says is not recorded")
    func error() {
        struct Secret: Error { let text = "a-key" }
        let span = tracer().startSpan("GET", context: .topLevel, ofKind: .server)
        span.recordError(Secret())
        span.end()
        let event = queue.all().first?.events.first
        #expect(event?.name == "exception")
        #expect(event?.attributes == ["exception.type": "Secret"])
    }
}
