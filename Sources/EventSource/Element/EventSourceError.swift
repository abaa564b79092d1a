/// Why an event source ended for good. Nothing that may pass by itself is reported this way.
@available(freshet 0.1, *)
public struct EventSourceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kinds of failure.
    public enum Code: Sendable, Equatable {
        /// The URL is not an absolute `http` or `https` URL.
        case invalidURL
        /// The method or a header field is nothing that HTTP can carry.
        case invalidRequest
        /// A status that is final; see ``EventSourceError/status`` and ``EventSourceError/body``.
        case status
        /// 200 with a content type other than `text/event-stream`.
        case contentType
        /// 200 with a `Content-Encoding`, which was not asked for.
        case contentEncoding
        /// Too many redirects in a row, or one that leads nowhere.
        case redirect
        /// A line or an event is longer than the limits allow.
        case limitExceeded
        /// The last event id has bytes that no header field can carry, so there is no way to continue after it.
        case unsendableLastEventID
        /// There is no connection any more, a server has had the request or may have had it, and
        /// ``EventSource/Configuration-swift.struct/repeatsRequest`` does not say to send it again.
        case notRepeated
        /// No connection for the configured time.
        case gaveUp
    }

    /// The kind of failure.
    public var code: Code
    /// What was wrong, for a person.
    public var message: String
    /// The response's status, where there was one.
    public var status: Int?
    /// The first 16 KiB of the response's body, where a status was final: often a problem document (RFC 9457).
    public var body: String?

    /// The message.
    public var description: String { message }

    package init(_ code: Code, _ message: String, status: Int? = nil, body: String? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.body = body
    }
}
