import ServerSentEvents
import StreamCore

/// How a reader wants to see events.
package enum EventForm: Int, Sendable, Hashable {
    /// `text/event-stream`
    case sse
    /// `application/x-ndjson`
    case ndjson

    package var mediaType: String {
        switch self {
        case .sse: "text/event-stream"
        case .ndjson: "application/x-ndjson"
        }
    }

    /// What keeps a quiet connection alive: a comment; an empty line.
    package var heartbeat: [UInt8] {
        switch self {
        case .sse: Array(":\n\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }

    /// The first bytes of a stream, so that whoever waits for a first byte has it at once.
    package var greeting: [UInt8] {
        switch self {
        case .sse: Array(": ok\n\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }
}
