/// The three ways in which providers stream an answer, each behind a path of its own.
package enum WireFormat: String, Sendable, CaseIterable {
    /// OpenAI chat completions: `data:` lines only, the last one `[DONE]`.
    case chat
    /// OpenAI responses: named events, the last one `response.completed`.
    case responses
    /// Anthropic messages: named events, the last one `message_stop`.
    case messages

    /// The path behind `/v1`.
    package var path: String {
        switch self {
        case .chat: "/chat/completions"
        case .responses: "/responses"
        case .messages: "/messages"
        }
    }

    /// The format of a path behind `/v1`.
    package init?(path: String) {
        guard let format = Self.allCases.first(where: { $0.path == path }) else { return nil }
        self = format
    }
}
