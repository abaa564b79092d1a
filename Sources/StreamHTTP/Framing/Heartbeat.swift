extension EventForm {
    /// What keeps a quiet connection alive: a comment; an empty line. No blank line follows the comment: decoders that
    /// take each blank line for an event (openai-go before 3.43) would find one without data.
    package var heartbeat: [UInt8] {
        switch self {
        case .sse, .durableStreams, .foreign: Array(":\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }
}
