/// A client of server-sent events: one URL, read as a sequence that survives every cut of the connection.
///
/// ```swift
/// let source = EventSource(url: "http://127.0.0.1:4437/v1/stream/answer", configuration: .freshet)
/// for try await element in source {
///     switch element {
///     case .event(let event): print(event.data)
///     case .end(let end): print("ended:", end.reason?.rawValue ?? "no reason given")
///     default: break
///     }
/// }
/// ```
///
/// It follows the WHATWG HTML standard, section 9.2 "Server-sent events": an unfinished block is never delivered, the
/// last event id is committed only by a finished block and sent as `Last-Event-ID` on the next connection, `retry:`
/// sets the reconnection time, and 204 ends it. Beyond that standard it backs off with jitter, tells a passing refusal
/// from a final one (``Configuration-swift.struct/statusPolicy``), notices a silent connection, and bounds its memory:
/// it reads from the network only as fast as its elements are taken.
///
/// Each iterator is a subscription of its own: it connects when its first element is asked for, and its connection
/// is closed when the iterator goes away or its task is cancelled.
@available(freshet 0.1, *)
public struct EventSource: AsyncSequence, Sendable {
    /// In practice ``EventSourceError``.
    public typealias Failure = any Error

    /// The URL that is read, `http` or `https`.
    public let url: String
    /// How it is read.
    public let configuration: Configuration
    private let transport: any EventSourceTransport
    private let subscriptions = Subscriptions()

    /// Describes a subscription; nothing is sent before iteration.
    ///
    /// - Parameters:
    ///   - url: An absolute `http` or `https` URL. Another one makes the iteration throw
    ///     ``EventSourceError/Code-swift.enum/invalidURL``.
    ///   - configuration: How to read it.
    ///   - transport: What sends its requests. Without one, all event sources of the process share one that is never
    ///     shut down: over AsyncHTTPClient, or `URLSession` where the package's trait `AsyncHTTPClient` is off.
    public init(
        url: String,
        configuration: Configuration = Configuration(),
        transport: (any EventSourceTransport)? = nil
    ) {
        self.url = url
        self.configuration = configuration
        self.transport = transport ?? Self.sharedTransport
    }

    /// A new subscription; it connects when its first element is asked for.
    public func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(url: url, configuration: configuration, transport: transport, subscriptions: subscriptions)
    }

    /// Drops the connection of every running iteration of this event source and of its copies, and reads on over a new
    /// one, after the last event id, as if the connection had been lost: after the wait that ``Element/reconnecting(_:)``
    /// tells, with ``Reconnection/Reason-swift.enum/restarted``.
    ///
    /// What was read before is delivered first. An attempt that is under way is abandoned; one that is being waited for
    /// is made at once, so that a program that learns of a new network need not sit out a long backoff. It returns at
    /// once, may be called by any task, and does nothing for an iteration that has not begun or has ended.
    ///
    /// A request is sent again even if ``Configuration-swift.struct/repeatsRequest`` is false: this asks for it.
    public func restart() {
        subscriptions.restart()
    }

    /// What sends the requests of those who gave no transport of their own.
    package static var sharedTransport: any EventSourceTransport {
        #if AsyncHTTPClient
        return AsyncHTTPClientTransport.shared
        #else
        return URLSessionTransport.shared
        #endif
    }
}
