/// A request that an ``EventSourceTransport`` sends.
@available(freshet 0.1, *)
public struct EventSourceRequest: Sendable {
    /// An absolute `http` or `https` URL, without a fragment.
    public var url: String
    /// Case-sensitive, and never `CONNECT` or `TRACE`.
    public var method: String
    /// Header fields in their order. Names may repeat. A value's bytes are its UTF-8, without control characters.
    public var headers: [(name: String, value: String)]
    /// The bytes of the body; `nil` for none.
    public var body: [UInt8]?

    /// A request, for tests of a transport: others are made by an ``EventSource``.
    public init(
        url: String,
        method: String = "GET",
        headers: [(name: String, value: String)] = [],
        body: [UInt8]? = nil
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
    }
}
