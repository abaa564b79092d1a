/// What an event of a stream is, by the stream's media type.
@available(freshet 0.1, *)
package enum StreamKind: Hashable, Sendable {
    /// `text/event-stream`: a block of an event stream. Only Freshet knows it for more than bytes.
    case eventStream
    /// `application/json`: a value.
    case json
    /// `application/x-ndjson` or `application/ndjson`: a line, which is a value. Only Freshet knows it for more than
    /// bytes.
    case ndjson
    /// Any other `text/*`.
    case text
    /// Everything else.
    case binary

    /// Parameters of a type do not count, nor does the case of its letters.
    package init(_ contentType: String) {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let word = contentType.utf8.drop(while: isBlank).prefix { $0 != UInt8(ascii: ";") && !isBlank($0) }
        switch String(Substring(word)).lowercased() {
        case "text/event-stream": self = .eventStream
        case "application/json": self = .json
        case "application/x-ndjson", "application/ndjson": self = .ndjson
        case let essence where essence.hasPrefix("text/"): self = .text
        default: self = .binary
        }
    }
}
