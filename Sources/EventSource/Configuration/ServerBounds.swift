/// How long the lines of a Freshet server get that takes events of so many bytes: the one place that says so.
///
/// A producer's bytes grow on their way to a reader. In an event stream, bytes that are not UTF-8 become U+FFFD, three
/// bytes for one, and binary data becomes base64, four bytes for three. In NDJSON a control character becomes an escape
/// of six bytes, `\u001f`. The type of an event grows as text does, and is no longer than an event may be.
@available(freshet 0.1, *)
package struct ServerBounds: Sendable, Equatable {
    /// What a server takes for one event unless its setting `event-bytes` says otherwise.
    package static let usualEventBytes = 1 << 20

    /// U+FFFD in UTF-8, for a byte that is none.
    private static let replacement = 3
    /// `\u001f`, for a control character in a JSON string.
    private static let escape = 6
    /// Names of fields and members, offsets, and what Freshet's own events say: an end has a detail of 1 KiB at most.
    private static let surroundings = 16 << 10

    /// The server's `event-bytes`.
    package let eventBytes: Int

    package init(eventBytes: Int) {
        self.eventBytes = eventBytes
    }

    /// One line of an event stream: of text, or of base64, which is shorter.
    package var eventStreamLine: Int { text + Self.surroundings }

    /// The data of one event of an event stream.
    package var eventStreamData: Int { text }

    /// One line of NDJSON: the data of an event, and its type.
    package var ndjsonLine: Int { 2 * eventBytes * Self.escape + Self.surroundings }

    private var text: Int { max(eventBytes * Self.replacement, Self.base64(eventBytes)) }

    private static func base64(_ bytes: Int) -> Int { (bytes + 2) / 3 * 4 }
}
