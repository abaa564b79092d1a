import ServerSentEvents
import StreamCore

/// How a reader wants to see events.
@available(freshet 0.1, *)
package enum EventForm: Int, Sendable, Hashable, CaseIterable {
    /// `text/event-stream`
    case sse
    /// `application/x-ndjson`
    case ndjson
    /// `live=sse` of the Durable Streams protocol (section 5.8): batches of data, each with a word on where it ends.
    case durableStreams
    /// The events as somebody else's protocol has them: type and data, no ids, nothing of Freshet's own. How it ends
    /// is told by the plan (`SubscriptionPlan.conclude`).
    case foreign
    /// What was appended, as events: type and data, no ids, nothing of Freshet's own. It ends as a foreign one does.
    case plain

    /// Whether nothing of Freshet's own is written, so that the plan says how the read ends.
    package var isPlanEnded: Bool { self == .foreign || self == .plain }

    package var mediaType: String {
        switch self {
        case .sse, .durableStreams, .foreign, .plain: "text/event-stream"
        case .ndjson: "application/x-ndjson"
        }
    }

    /// The first bytes of a stream, so that whoever waits for a first byte has it at once.
    package var greeting: [UInt8] {
        switch self {
        case .sse: Array(": ok\n\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        // The first control event comes at once; other protocols have no greeting.
        case .durableStreams, .foreign, .plain: []
        }
    }
}
