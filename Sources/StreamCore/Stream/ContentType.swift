import TextCodecs

/// What a stream's events are: a media type, and what that means for cutting and showing them.
@available(freshet 0.1, *)
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
    ///
    /// Every append names its type, so that the usual spellings are known without a look at their parts, and without an
    /// allocation. A `String` and no other text: for another module's generic type the compiler makes no code of its own
    /// here, and to ask that for each byte took as long as all else of a request's fields (measured: 2.4 % of an append).
    package init?(_ value: String) {
        if let known = Self.known(value) {
            self = known
            return
        }
        let bytes = Array(value.utf8.drop(while: Self.isBlank))
        let end = bytes.firstIndex { $0 == UInt8(ascii: ";") || Self.isBlank($0) } ?? bytes.endIndex
        let name = bytes[..<end]
        guard let slash = name.firstIndex(of: UInt8(ascii: "/")), slash > 0, slash + 1 < end,
            name[..<slash].allSatisfy(Self.isTokenByte), name[(slash + 1)...].allSatisfy(Self.isTokenByte)
        else { return nil }
        let next = bytes[end...].first { !Self.isBlank($0) }
        guard next == nil || next == UInt8(ascii: ";") else { return nil }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        self.init(
            text: String(decoding: bytes, as: UTF8.self),
            essence: String(decoding: name.map(Self.lowercased), as: UTF8.self)
        )
    }

    private init(text: String, essence: String) {
        self.text = text
        self.essence = essence
        self.kind =
            switch essence {
            case "text/event-stream": .eventStream
            case "application/json": .json
            case "application/x-ndjson", "application/ndjson": .ndjson
            case _ where essence.hasPrefix("text/"): .text
            default: .binary
            }
    }

    package static let eventStream = ContentType(text: "text/event-stream", essence: "text/event-stream")
    private static let json = ContentType(text: "application/json", essence: "application/json")
    package static let ndjson = ContentType(text: "application/x-ndjson", essence: "application/x-ndjson")
    private static let plainText = ContentType(text: "text/plain", essence: "text/plain")
    private static let octets = ContentType(text: "application/octet-stream", essence: "application/octet-stream")

    /// A type that is spelled as nearly everybody spells it. No two of these are equally long.
    private static func known(_ value: String) -> ContentType? {
        let type: ContentType
        switch value.utf8.count {
        case 10: type = plainText
        case 16: type = json
        case 17: type = eventStream
        case 20: type = ndjson
        case 24: type = octets
        default: return nil
        }
        // By bytes: what looks the same to a reader may be spelled otherwise.
        return value.hasBytes(of: type.text) ? type : nil
    }

    /// Whether a body of the other type may be appended to a stream of this one. Parameters do not count.
    package func matches(_ other: ContentType) -> Bool { essence == other.essence }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte ? byte | 0x20 : byte
    }

    // RFC 9110, section 5.6.2.
    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        case UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }
}
