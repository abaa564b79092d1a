import Locks
package import Tracing

/// A span, which when it ends goes to the queue if its trace is recorded.
@available(freshet 0.1, *)
package final class RecordedSpan: Tracing.Span {
    package let context: InstrumentationContext
    private let identity: SpanIdentity
    private let parent: SpanIdentity?
    private let kind: SpanKind
    private let start: UInt64
    private let queue: SpanQueue

    private struct State {
        var name: String
        var attributes = SpanAttributes([:])
        var events: [SpanEvent] = []
        var links: [SpanLink] = []
        var status: SpanStatus?
        var isOver = false
    }

    private let state: Mutex<State>

    /// - Parameter start: in nanoseconds since 1970.
    init(
        _ name: String,
        _ identity: SpanIdentity,
        of parent: SpanIdentity?,
        in context: InstrumentationContext,
        _ kind: SpanKind,
        at start: UInt64,
        to queue: SpanQueue
    ) {
        self.context = context
        self.identity = identity
        self.parent = parent
        self.kind = kind
        self.start = start
        self.queue = queue
        state = Mutex(State(name: name))
    }

    package var isRecording: Bool { identity.isSampled && state.withLock { !$0.isOver } }

    package var operationName: String {
        get { state.withLock(\.name) }
        set { change { $0.name = newValue } }
    }

    package var attributes: SpanAttributes {
        get { state.withLock(\.attributes) }
        set { change { $0.attributes = newValue } }
    }

    package func setStatus(_ status: SpanStatus) { change { $0.status = status } }

    package func addEvent(_ event: SpanEvent) { change { $0.events.append(event) } }

    package func addLink(_ link: SpanLink) { change { $0.links.append(link) } }

    /// What the error says is left out: it may be a word of somebody else.
    package func recordError<Instant: TracerInstant>(
        _ error: any Error,
        attributes: SpanAttributes,
        at instant: @autoclosure () -> Instant
    ) {
        var attributes = attributes
        attributes["exception.type"] = "\(type(of: error))"
        addEvent(SpanEvent(name: "exception", at: instant(), attributes: attributes))
    }

    package func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
        guard identity.isSampled else { return }
        // The wall clock may have been set back.
        let end = max(start, instant().nanosecondsSinceEpoch)
        let finished = state.withLock { state -> FinishedSpan? in
            guard !state.isOver else { return nil }
            state.isOver = true
            return FinishedSpan(
                identity: identity,
                parent: parent,
                name: state.name,
                kind: kind,
                start: start,
                end: end,
                attributes: state.attributes,
                events: state.events,
                links: state.links,
                status: state.status
            )
        }
        if let finished { queue.put(finished) }
    }

    private func change(_ body: (inout State) -> Void) {
        guard identity.isSampled else { return }
        state.withLock { if !$0.isOver { body(&$0) } }
    }
}

/// A span that is over.
@available(freshet 0.1, *)
package struct FinishedSpan: Sendable {
    package var identity: SpanIdentity
    package var parent: SpanIdentity?
    package var name: String
    package var kind: SpanKind
    /// In nanoseconds since 1970, as `end`.
    package var start: UInt64
    package var end: UInt64
    package var attributes = SpanAttributes([:])
    package var events: [SpanEvent] = []
    package var links: [SpanLink] = []
    package var status: SpanStatus?
}
