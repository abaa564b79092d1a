import ServerSentEvents

/// What reads a body, by its format.
@available(freshet 0.1, *)
enum BodyParser: Sendable {
    case eventStream(EventStreamParser)
    case lines(EventLineParser)

    init(_ format: BodyFormat, _ configuration: EventSource.Configuration, lastEventID: String) {
        switch format {
        case .eventStream:
            self = .eventStream(EventStreamParser(limits: configuration.limits, lastEventID: lastEventID))
        case .lines: self = .lines(EventLineParser(limit: configuration.ndjsonLineBytes, lastEventID: lastEventID))
        }
    }

    /// The position to reconnect with.
    var lastEventID: String {
        switch self {
        case .eventStream(let parser): parser.lastEventID
        case .lines(let parser): parser.lastEventID
        }
    }

    /// - Throws: Why the body cannot be read on, after all outputs before that place were reported.
    mutating func parse(_ bytes: UnsafeRawBufferPointer, _ body: (EventStreamParser.Output) -> Void) throws {
        switch self {
        case .eventStream(var parser):
            // It moves out and back, so that it is not copied.
            self = .eventStream(EventStreamParser())
            defer { self = .eventStream(parser) }
            try parser.parse(bytes, body)
        case .lines(var parser):
            self = .lines(EventLineParser(limit: 0, lastEventID: ""))
            defer { self = .lines(parser) }
            try parser.parse(bytes, body)
        }
    }
}
