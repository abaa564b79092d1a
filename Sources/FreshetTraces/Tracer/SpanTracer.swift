import StreamHTTP
package import Tracing

/// Makes spans and passes on which span calls which, by W3C Trace Context. A span whose caller has decided whether its
/// trace is recorded obeys that; of traces that begin here a share is.
@available(freshet 0.1, *)
package struct SpanTracer: Tracer {
    package typealias Span = RecordedSpan

    private let queue: SpanQueue
    private let sampler: Sampler
    private let random: @Sendable () -> UInt64

    /// - Parameters:
    ///   - queue: gets each span that is recorded, when it ends.
    ///   - random: makes what ids are of.
    package init(
        to queue: SpanQueue,
        _ sampler: Sampler,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: 0...UInt64.max) }
    ) {
        self.queue = queue
        self.sampler = sampler
        self.random = random
    }

    package func startSpan<Instant: TracerInstant>(
        _ operationName: String,
        context: @autoclosure () -> InstrumentationContext,
        ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant,
        function: String,
        file fileID: String,
        line: UInt
    ) -> RecordedSpan {
        var context = context()
        let parent = context.spanIdentity
        let identity: SpanIdentity
        if let parent {
            var child = parent
            child.span = newSpanID()
            child.isRemote = false
            identity = child
        } else {
            // An id of zeros is none.
            let trace = TraceID(high: random(), low: max(1, random()))
            identity = SpanIdentity(trace: trace, span: newSpanID(), isSampled: sampler.samples(trace))
        }
        context.spanIdentity = identity
        return RecordedSpan(
            operationName,
            identity,
            of: parent,
            in: context,
            kind,
            at: instant().nanosecondsSinceEpoch,
            to: queue
        )
    }

    private func newSpanID() -> SpanID { SpanID(max(1, random())) }

    package func forceFlush() { queue.wake() }

    package func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout InstrumentationContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {
        guard let text = extractor.extract(key: "traceparent", from: carrier), let parent = TraceParent(text),
            let caller = SpanIdentity(parent, state: extractor.extract(key: "tracestate", from: carrier))
        else { return }
        context.spanIdentity = caller
    }

    package func inject<Carrier, Inject: Injector>(
        _ context: InstrumentationContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let identity = context.spanIdentity else { return }
        injector.inject(identity.traceParent, forKey: "traceparent", into: &carrier)
        if let state = identity.state { injector.inject(state, forKey: "tracestate", into: &carrier) }
    }
}
