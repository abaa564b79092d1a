extension EventForm {
    /// What keeps a quiet connection alive: a comment; an empty line.
    package var heartbeat: [UInt8] {
        switch self {
        case .sse, .durableStreams, .foreign: Array(":\n\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }
}
