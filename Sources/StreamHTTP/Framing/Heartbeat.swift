@available(freshet 0.1, *)
extension EventForm {
    /// What keeps a quiet connection alive: a comment, or an empty line.
    ///
    /// A comment is one line, without a blank one after it: decoders that take every blank line for the end of an event
    /// die of an event without data (openai-go before 3.43).
    package var heartbeat: [UInt8] {
        switch self {
        case .sse, .durableStreams, .foreign, .plain: Array(":\n".utf8)
        case .ndjson: [UInt8(ascii: "\n")]
        }
    }
}
