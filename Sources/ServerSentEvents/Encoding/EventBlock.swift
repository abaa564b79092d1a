/// The fields of one block of an event stream, to be written by an `EventStreamEncoder`.
///
/// They are written in a fixed order: comment lines, then `event`, `retry`, `id` and `data`. A field that is nil is
/// not written.
///
/// Some readers take a block that has only a `retry`, an `id` or an `event` for an event with empty data (httpx-sse,
/// and with it the OpenAI and Anthropic clients for Python). Let these fields ride in the block of an event.
public struct EventBlock: Hashable, Sendable {
    /// A comment, one line for each of its lines. A reader never shows it.
    public var comment: String?
    /// The event's type. It cannot hold CR, LF or NUL. An empty one means `message`, as does none.
    public var event: String?
    /// The time in milliseconds a reader should wait before it reconnects; not negative.
    public var retry: Int?
    /// The reader's new last event ID. It cannot hold CR, LF or NUL. An empty one resets it.
    public var id: String?
    /// The payload: text in UTF-8, one `data` line for each of its lines, which end in CR, LF or CRLF. Without data,
    /// nil, a block is no event; empty data is an event.
    public var data: [UInt8]?

    /// Creates a block from its fields, with the payload as bytes.
    public init(
        comment: String? = nil,
        event: String? = nil,
        retry: Int? = nil,
        id: String? = nil,
        data: [UInt8]? = nil
    ) {
        self.comment = comment
        self.event = event
        self.retry = retry
        self.id = id
        self.data = data
    }

    /// Creates a block from its fields, with the payload as a string.
    public init(
        comment: String? = nil,
        event: String? = nil,
        retry: Int? = nil,
        id: String? = nil,
        data: String
    ) {
        self.init(comment: comment, event: event, retry: retry, id: id, data: Array(data.utf8))
    }
}
