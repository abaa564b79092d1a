package import StreamCore

/// A read that waits at the tail for what comes next, and is answered with that (Durable Streams protocol, section
/// 5.7).
@available(freshet 0.1, *)
package struct LongPollPlan: Sendable {
    package var name: StreamName
    /// Where the reader stands.
    package var position: Offset
    package var kind: ContentType.Kind
    /// Looks at the log: the response when there is something to tell, nil while the reader is still at the tail.
    package var look: @Sendable () async -> Response?
    /// The response that tells what has just been committed, or that nothing was.
    package var response: @Sendable (LongPollNews) -> Response

    package init(
        name: StreamName,
        position: Offset,
        kind: ContentType.Kind,
        look: @escaping @Sendable () async -> Response?,
        response: @escaping @Sendable (LongPollNews) -> Response
    ) {
        self.name = name
        self.position = position
        self.kind = kind
        self.look = look
        self.response = response
    }
}

/// What a long-poll has waited for.
@available(freshet 0.1, *)
package struct LongPollNews: Sendable {
    /// The tail.
    package var last: Offset
    package var end: StreamEnd?
    /// The bytes of the new events as a catch-up read shows them; nil when there are none.
    package var body: [UInt8]?

    package init(last: Offset, end: StreamEnd? = nil, body: [UInt8]? = nil) {
        self.last = last
        self.end = end
        self.body = body
    }
}
