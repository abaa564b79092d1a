/// Why a body is not what the stream's type allows. Nothing of the piece was appended.
@available(freshet 0.1, *)
package enum PieceError: Error, Equatable, Sendable {
    case lineTooLong(limit: Int)
    case eventTooLarge(limit: Int)
    /// More events than one body may hold.
    case tooManyEvents(limit: Int)
    /// A line, counted from 1, that is not JSON (NDJSON), or a body that is not (JSON, line 0).
    case invalidJSON(line: Int, reason: String)
    /// An event type that is Freshet's own.
    case reservedType(String)
    /// An event type that cannot be written on the wire.
    case invalidType
    /// The last block of an atomic body has no blank line after it.
    case unfinishedBlock
    /// There is nothing in it.
    case empty
}

/// Bounds on what a producer may send as one piece.
@available(freshet 0.1, *)
package struct PieceLimits: Hashable, Sendable {
    /// The longest line of an event stream or of NDJSON, in bytes.
    package var lineBytes: Int
    /// The largest event, in bytes.
    package var eventBytes: Int
    /// The most events that are appended in one step, however small they are: those of a body, or of what has arrived
    /// of a streaming one.
    package var bodyEvents: Int

    package init(lineBytes: Int = 1 << 20, eventBytes: Int = 1 << 20, bodyEvents: Int = 50_000) {
        self.lineBytes = lineBytes
        self.eventBytes = eventBytes
        self.bodyEvents = bodyEvents
    }
}
