import TextCodecs

/// What the built-in model is asked: the user's last words, in whichever format they come.
@available(freshet 0.1, *)
struct BuiltinQuestion {
    var text: String
    var wordsPerSecond: Double

    init?(_ document: JSONSlice, _ format: WireFormat) {
        let messages = document[format == .responses ? "input" : "messages"]
        let asked =
            messages?.string
            ?? messages?.elements.last { $0["role"]?.string == "user" }.flatMap { Self.text(of: $0["content"]) }
        guard let asked, asked.contains(where: { !$0.isWhitespace }) else { return nil }
        text = asked
        let pace = document["words_per_second"].flatMap { Double(String(decoding: $0.raw, as: UTF8.self)) }
        wordsPerSecond = min(1000, max(1, pace ?? BuiltinUpstream.usualPace))
    }

    /// A text, or the texts among the parts of a message.
    private static func text(of content: JSONSlice?) -> String? {
        guard let content else { return nil }
        return content.string ?? content.elements.compactMap { $0["text"]?.string }.joined(separator: "\n")
    }
}
