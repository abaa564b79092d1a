package import StreamHTTP
import TextCodecs

/// Which header fields of an upstream's response the caller gets: those on a list, and nothing that rules a page, a
/// browser or a proxy in the name of this server.
///
/// What an upstream sends is as foreign as what a stranger appended to a stream, and stands on the same origin: it gets
/// the same sandbox.
@available(freshet 0.1, *)
package struct ResponseFields: Sendable {
    /// Names in lower case that pass beside the usual ones.
    private let further: Set<String>

    package init(further: [String] = []) {
        self.further = Set(further.map { $0.lowercased() })
    }

    /// The fields of a response that is passed on with its own body.
    package func ofPassed(_ sent: [HeaderField]) -> [HeaderField] {
        var fields = sent.filter { Self.describesBody($0) || passes($0, beside: sent) }
        fields.append(.sandbox)
        // One that the list lets through is the upstream's word, and the operator's.
        if !fields.contains(where: { $0.name.lowercased() == "cache-control" }) {
            fields.append(HeaderField("Cache-Control", "no-store"))
        }
        if fields.contains(where: Self.isEventStream) { fields.append(HeaderField("X-Accel-Buffering", "no")) }
        return fields
    }

    /// What a response that becomes a stream says beside it: nothing of its body, which the relay writes anew.
    package func ofStream(_ sent: [HeaderField]) -> [HeaderField] {
        sent.filter { !Self.describesBody($0) && $0.name.lowercased() != "cache-control" && passes($0, beside: sent) }
            + [.sandbox]
    }

    private func passes(_ field: HeaderField, beside sent: [HeaderField]) -> Bool {
        let name = field.name.lowercased()
        guard !ForeignFields.isReserved(name), !Self.isOfConnection(name, sent) else { return false }
        return name == "x-should-retry" || name.hasSuffix("request-id")
            || Self.beginnings.contains { name.utf8.starts(with: $0.utf8) } || further.contains(name)
    }

    private static let beginnings = ["retry-after", "x-ratelimit-", "openai-", "anthropic-"]

    /// What the bytes of a body cannot be read without.
    private static func describesBody(_ field: HeaderField) -> Bool {
        ["content-type", "content-encoding", "content-range"].contains(field.name.lowercased())
    }

    private static func isEventStream(_ field: HeaderField) -> Bool {
        field.name.lowercased() == "content-type" && field.value.lowercased().hasPrefix("text/event-stream")
    }

    private static func isOfConnection(_ name: String, _ sent: [HeaderField]) -> Bool {
        sent.contains { field in
            field.name.lowercased() == "connection"
                && field.value.lowercased().split(separator: ",").contains { $0.trimmingBlanks() == name }
        }
    }
}
