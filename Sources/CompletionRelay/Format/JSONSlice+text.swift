import TextCodecs

@available(freshet 0.1, *)
extension JSONSlice {
    /// Whether a part of an answer holds text of it: words, bytes of a tool's arguments, a name, a signature, a picture.
    ///
    /// An empty string is none, wherever it stands, and neither is what only says what the part is, which one, or what a
    /// filter thinks of it.
    var holdsText: Bool { holdsText(within: 6) }

    private static let labels: Set<String> = [
        "role", "type", "id", "index", "safetyRatings", "content_filter_results",
    ]

    /// - Parameter levels: no part of an answer has more, and what lies deeper is taken for text: each level is read anew.
    private func holdsText(within levels: Int) -> Bool {
        guard levels > 0 else { return saysSomething }
        switch raw.first {
        case UInt8(ascii: "\""): return raw.count > 2
        case UInt8(ascii: "["): return elements.contains { $0.holdsText(within: levels - 1) }
        case UInt8(ascii: "{"):
            return members.contains { name, value in
                !Self.labels.contains(name) && value.holdsText(within: levels - 1)
            }
        default: return false
        }
    }
}
