/// What a body is made of.
@available(freshet 0.1, *)
package enum BodyFormat: Sendable, Equatable {
    /// `text/event-stream`.
    case eventStream
    /// Freshet's `application/x-ndjson`, in which text keeps its carriage returns: an event stream knows them only as
    /// ends of lines. An event's data is the JSON text that the line has there, so that a JSON string is not taken for
    /// text.
    case lines

    /// The format of a response; nil for what is neither. A media type's essence decides; parameters do not count, a
    /// wrong `charset` among them (both are UTF-8 whatever it says).
    init?(contentType: String?) {
        guard let contentType else { return nil }
        let essence = contentType.utf8.prefix { $0 != UInt8(ascii: ";") }
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var word = essence.drop(while: isBlank)
        while let last = word.last, isBlank(last) { word.removeLast() }
        switch String(Substring(word)).lowercased() {
        case "text/event-stream": self = .eventStream
        case "application/x-ndjson": self = .lines
        default: return nil
        }
    }

    /// What asks for it, and what a response in it is.
    var mediaType: String {
        switch self {
        case .eventStream: "text/event-stream"
        case .lines: "application/x-ndjson"
        }
    }
}
