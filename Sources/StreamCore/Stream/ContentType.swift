/// What a stream's events are: a media type, and what that means for cutting and showing them.
package struct ContentType: Hashable, Sendable {
    /// How the bytes of a body become events and how an event is shown.
    package enum Kind: Hashable, Sendable {
        /// `text/event-stream`: an event is a server-sent event with a type and data.
        case eventStream
        /// `application/json`: an event is one JSON value; a body that is an array holds one event an element.
        case json
        /// `application/x-ndjson` (or `application/ndjson`): an event is one line, which is a JSON value.
        case ndjson
        /// Any other `text/*`.
        case text
        /// Everything else.
        case binary
    }

    /// The media type as it was given, parameters included.
    package let text: String
    /// Type and subtype in lower case, without parameters.
    package let essence: String
    package let kind: Kind

    /// The media type a header value names, or nil when it is not one.
    package init?(_ value: some StringProtocol) {
        let trimmed = value.drop(while: Self.isBlank)
        let name = trimmed.prefix(while: { $0 != ";" && !Self.isBlank($0) })
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(Self.isTokenByte) }) else { return nil }
        let rest = trimmed[name.endIndex...].drop(while: Self.isBlank)
        guard rest.isEmpty || rest.first == ";" else { return nil }
        guard trimmed.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        self.text = String(trimmed)
        self.essence = name.lowercased()
        self.kind =
            switch essence {
            case "text/event-stream": .eventStream
            case "application/json": .json
            case "application/x-ndjson", "application/ndjson": .ndjson
            case _ where essence.hasPrefix("text/"): .text
            default: .binary
            }
    }

    package static let eventStream = ContentType("text/event-stream")!

    /// Whether a body of the other type may be appended to a stream of this one. Parameters do not count.
    package func matches(_ other: ContentType) -> Bool { essence == other.essence }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    // RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
