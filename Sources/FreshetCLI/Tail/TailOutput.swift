import EventSource
import Foundation
import PrintableText
import ServerSentEvents
import StreamCore
import TextCodecs

/// What `tail` prints for an element; nothing for most that are not events.
@available(freshet 0.1, *)
struct TailOutput {
    /// One JSON object a line, rather than the data.
    var isNDJSON: Bool
    /// The stream's type; nil while it is not known.
    var kind: ContentType.Kind?
    /// Whether a person sees it, on a terminal: what strangers appended must not drive that. A program gets the bytes.
    var isForTerminal = Terminal.hasStandardOutput

    func bytes(for element: EventSource.Element) -> [UInt8] {
        if isNDJSON { return PrintableText.escaped(json: line(element)) }
        let bytes = data(element)
        return isForTerminal ? Array(PrintableText.escaped(bytes, keepsLines: true).utf8) : bytes
    }

    /// Text goes out as it was appended, without anything between two events; other data one event a line.
    private func data(_ element: EventSource.Element) -> [UInt8] {
        guard case .event(let event) = element else { return [] }
        let text = text(of: event)
        switch kind {
        case .text: return Array(text.utf8)
        case .binary: return Data(base64Encoded: text).map(Array.init) ?? Array(text.utf8)
        default: return Array((text + "\n").utf8)
        }
    }

    /// What was appended, from the JSON that the server's NDJSON has for it: JSON as it is, anything else in a string.
    private func text(of event: ServerSentEvent) -> String {
        switch kind {
        case .json, .ndjson: event.data
        default: JSONSlice(Array(event.data.utf8)).string ?? event.data
        }
    }

    /// The form of the server's NDJSON.
    private func line(_ element: EventSource.Element) -> [UInt8] {
        var members: [(String, String)] = []
        switch element {
        case .event(let event):
            if !event.lastEventID.isEmpty { members.append(("id", Self.string(event.lastEventID))) }
            if event.type != "message" { members.append(("event", Self.string(event.type))) }
            members.append(("data", value(text(of: event))))
            if kind == .binary { members.append(("base64", "true")) }
        case .start(let offset):
            members = [("id", Self.string(offset)), ("event", "\"start\"")]
            members.append(("data", Self.object([("offset", offset)])))
        case .gap(let gap):
            if let resumed = gap.resumed { members.append(("id", Self.string(resumed))) }
            members.append(("event", "\"gap\""))
            members.append(("data", Self.object([("requested", gap.requested), ("resumed", gap.resumed)])))
        case .end(let end):
            members.append(("event", "\"end\""))
            members.append(("data", Self.object([("reason", end.reason?.rawValue), ("detail", end.detail)])))
        case .opened, .comment, .reconnecting:
            return []
        }
        return Array(("{" + members.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}\n").utf8)
    }

    /// JSON stays JSON; anything else becomes a string.
    private func value(_ data: String) -> String {
        switch kind {
        case .json, .ndjson:
            let bytes = Array(data.utf8)
            if (try? JSONText.validate(bytes)) != nil {
                return String(decoding: JSONText.singleLine(bytes), as: UTF8.self)
            }
            return Self.string(data)
        default:
            return Self.string(data)
        }
    }

    private static func object(_ members: [(String, String?)]) -> String {
        "{" + members.compactMap { name, value in value.map { "\"\(name)\":\(string($0))" } }.joined(separator: ",")
            + "}"
    }

    /// A JSON string (RFC 8259, section 7).
    private static func string(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
