/// One event as its reader sees it: what a finished block of an event stream dispatches.
///
/// The three properties are those of a browser's `MessageEvent` (WHATWG HTML, "Server-sent events").
public struct ServerSentEvent: Hashable, Sendable {
    /// The event's type: the block's `event` field, or `message` when it had none or an empty one.
    public var type: String
    /// The `data` lines of the block, joined by U+000A.
    public var data: String
    /// The last event ID in force once the block was finished. It is sticky: a block without an `id` field
    /// carries the one of an earlier block. It is empty when there was none, or when an empty `id` reset it.
    public var lastEventID: String

    /// Creates an event.
    ///
    /// - Parameters:
    ///   - type: The event's type; `message` is the type of an event that names none.
    ///   - data: The payload.
    ///   - lastEventID: The position to name when asking for what follows this event.
    public init(type: String = "message", data: String = "", lastEventID: String = "") {
        self.type = type
        self.data = data
        self.lastEventID = lastEventID
    }
}
