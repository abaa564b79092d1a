/// Why an event stream cannot be parsed any further. Only limits are errors: any other bytes are a valid stream.
public struct EventStreamParserError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Which limit was exceeded.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case lineTooLong
            case eventTooLong
        }

        private let value: Value

        /// A line holds more than `EventStreamParser.Limits.lineBytes` bytes.
        public static let lineTooLong = Code(value: .lineTooLong)
        /// The data of one event is longer than `EventStreamParser.Limits.eventBytes` bytes.
        public static let eventTooLong = Code(value: .eventTooLong)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// Which limit was exceeded.
    public let code: Code
    /// The limit, in bytes.
    public let limit: Int
    /// What was wrong and what to do about it.
    public let message: String

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    static func lineTooLong(limit: Int) -> Self {
        Self(
            code: .lineTooLong,
            limit: limit,
            message: """
                A line of the event stream is longer than \(limit) bytes. \
                Send the payload in shorter data lines, or raise the limit for lines.
                """
        )
    }

    static func eventTooLong(limit: Int) -> Self {
        Self(
            code: .eventTooLong,
            limit: limit,
            message: """
                The data of one event is longer than \(limit) bytes. \
                End the event with a blank line, send smaller events, or raise the limit for events.
                """
        )
    }
}
