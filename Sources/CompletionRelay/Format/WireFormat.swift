package import StreamCore

/// The ways in which answers are streamed.
@available(freshet 0.1, *)
package enum WireFormat: String, Sendable, CaseIterable {
    /// OpenAI chat completions: `data:` lines only, the last one `[DONE]`.
    case chat
    /// OpenAI responses: named events, the last one `response.completed`.
    case responses
    /// Anthropic messages: named events, the last one `message_stop`.
    case messages
    /// Gemini: `data:` lines only, and no last word but why each candidate has finished.
    case gemini
    /// Ollama: a line of JSON for each event, the last one with `"done": true`.
    case ollama
    /// Any other stream of events, such as an agent's.
    case events

    /// The three that are told apart by their path behind `/v1`, whichever upstream they are for.
    package static let completions: [WireFormat] = [.chat, .responses, .messages]

    /// The path behind `/v1`; empty where it says nothing.
    package var path: String {
        switch self {
        case .chat: "/chat/completions"
        case .responses: "/responses"
        case .messages: "/messages"
        case .gemini, .ollama, .events: ""
        }
    }

    /// The format of a path behind `/v1`, with or without a slash at its end.
    package init?(path: String) {
        let path = path.withoutFinalSlash
        guard let format = Self.completions.first(where: { $0.path == path }) else { return nil }
        self = format
    }

    /// Whether a stream in it comes under another type too often to go by that.
    var mayBeDisguised: Bool { self != .ollama && self != .events }

    /// The type of the streams in which answers are kept.
    package var contentType: ContentType { self == .ollama ? .ndjson : .eventStream }

    /// The type of a response in this format.
    package var mediaType: String {
        self == .ollama ? "application/x-ndjson" : "text/event-stream; charset=utf-8"
    }

    /// What keeps a quiet connection alive without the clients of the format noticing.
    package var heartbeat: [UInt8] {
        switch self {
        case .chat, .responses, .messages, .events: Array(":\n".utf8)
        // google-genai takes a comment for a part of a JSON text.
        case .gemini: [UInt8(ascii: "\n")]
        // ollama-python parses every line: this becomes the leading blank of the next one.
        case .ollama: [UInt8(ascii: " ")]
        }
    }
}
