/// What an event source needs of an HTTP client: it sends one request and gives the response, the body as it arrives.
///
/// ``AsyncHTTPClientTransport`` and `URLSessionTransport` are two. One of your own reads an event stream from wherever
/// else it comes: another HTTP client, or a test.
///
/// ```swift
/// struct Recorded: EventSourceTransport {
///     func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<AsyncStream<[UInt8]>> {
///         let body = AsyncStream<[UInt8]> { chunks in
///             chunks.yield(Array("data: Hello\n\n".utf8))
///             chunks.finish()
///         }
///         return EventSourceResponse(status: 200, headers: [("Content-Type", "text/event-stream")], body: body)
///     }
/// }
/// ```
///
/// The event source does everything else, the same over each transport: it follows redirects, counts them and keeps
/// credentials from other origins; it reconnects; and it limits the time. ``EventSource/Configuration-swift.struct/responseTimeout``
/// is measured from ``send(_:)`` to its return, and ``EventSource/Configuration-swift.struct/idleTimeout`` while it waits
/// for a chunk: when one is over it cancels the task. How long a connection may take to be made is a transport's own matter,
/// below the first of them.
///
/// So a transport
/// - follows no redirect, keeps no cookies, repeats no request that a server may have had, and has no timeout for a body;
/// - sends method, header fields and body as they are, and adds to them what HTTP asks for (`Host`, `Content-Length`);
/// - throws ``EventSourceTransportError`` with ``EventSourceTransportError/isUnsent`` where it knows that no server has
///   had anything of the request, since only then is a `POST` sent again;
/// - returns soon after its task was cancelled, throwing anything;
/// - frees the connection when the body is let go, read to its end or not;
/// - reads on only while chunks are taken, as far as it can, so that memory stays bounded.
@available(freshet 0.1, *)
public protocol EventSourceTransport: Sendable {
    /// The body of a response: chunks of any length, in order, then its end in good order. It throws when the connection
    /// breaks before. It is iterated at most once, by one task at a time.
    associatedtype Body: AsyncSequence, Sendable where Body.Element == [UInt8]

    /// Sends a request.
    ///
    /// - Returns: The response, as soon as its head is there. Informational responses (1xx) are none.
    /// - Throws: ``EventSourceTransportError``. Any other error is taken for one whose request a server may have had.
    func send(_ request: EventSourceRequest) async throws -> EventSourceResponse<Body>
}
