package import StreamHTTP
import TextCodecs

/// Which response a GET gets.
@available(freshet 0.1, *)
package enum ReadForm: Sendable, Equatable {
    /// Durable Streams' own live modes, by the value of `live`.
    case durableStreams(String)
    /// Native: replay, then follow, then the end.
    case native(EventForm)
    /// What was appended and nothing of Freshet's: for clients that know only a format of their own.
    case plain
    /// What there is now, as bytes.
    case catchUp

    /// The first rule that matches: `live`, `as`, an `Accept` that names a form, and otherwise the bytes.
    package static func negotiate(_ target: RequestTarget, accept: [String]) throws(Problem) -> ReadForm {
        if let mode = target.values("live").first { return .durableStreams(mode) }
        if let name = target.values("as").first {
            switch name {
            case "sse": return .native(.sse)
            case "ndjson": return .native(.ndjson)
            case "plain": return .plain
            default:
                throw Problem(
                    400,
                    "unknown-form",
                    title: "Unknown format",
                    detail: "`as` is `sse`, `ndjson` or `plain`."
                )
            }
        }
        return preferred(in: accept).map { .native($0) } ?? .catchUp
    }

    /// The form an `Accept` names with the highest quality; server-sent events where two are equal. A wildcard names
    /// nothing: it is what every client sends that has not thought about it.
    private static func preferred(in accept: [String]) -> EventForm? {
        var best: (form: EventForm, quality: Int)?
        for range in accept.joined(separator: ",").split(separator: ",") {
            let parts = range.split(separator: ";").map { $0.trimmingBlanks() }
            guard let name = parts.first?.lowercased() else { continue }
            let form: EventForm
            switch name {
            case "text/event-stream": form = .sse
            case "application/x-ndjson", "application/ndjson": form = .ndjson
            default: continue
            }
            let quality = parts.dropFirst().compactMap(Self.quality).first ?? 1000
            guard quality > 0 else { continue }
            if let best, best.quality > quality || (best.quality == quality && best.form == .sse) { continue }
            best = (form, quality)
        }
        return best?.form
    }

    /// A quality in thousandths; what is not one (RFC 9110, section 12.4.2) counts as none given.
    private static func quality(_ parameter: Substring) -> Int? {
        guard parameter.lowercased().hasPrefix("q=") else { return nil }
        let text = parameter.dropFirst(2)
        guard let first = text.utf8.first, first == UInt8(ascii: "0") || first == UInt8(ascii: "1") else { return nil }
        var rest = text.dropFirst()
        guard !rest.isEmpty else { return first == UInt8(ascii: "1") ? 1000 : 0 }
        guard rest.removeFirst() == ".", rest.utf8.count <= 3 else { return nil }
        guard rest.utf8.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else { return nil }
        let thousandths = Int(String(rest) + String(repeating: "0", count: 3 - rest.utf8.count)) ?? 0
        return min(1000, (first == UInt8(ascii: "1") ? 1000 : 0) + thousandths)
    }
}
