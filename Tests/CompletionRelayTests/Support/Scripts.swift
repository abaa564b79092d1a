import ServerSentEvents

@testable import CompletionRelay

/// A short answer in each format.
enum Scripts {
    static func of(_ format: WireFormat) -> [ServerSentEvent] {
        switch format {
        case .chat: chat
        case .responses: responses
        case .messages: messages
        case .gemini: gemini
        case .ollama: ollama
        case .events: agent
        }
    }

    static let chat = [
        #"{"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
        #"{"id":"c","choices":[{"index":0,"delta":{"content":" Hel\"lo"},"finish_reason":null}]}"#,
        #"{"id":"c","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{"}}]}}]}"#,
        #"{"id":"c","choices":[{"index":0,"delta":{"reasoning_content":"Hm"},"finish_reason":null}]}"#,
        #"{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
        #"{"id":"c","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":7}}"#,
        "[DONE]",
    ].map { ServerSentEvent(data: $0) }

    static let responses = [
        ("response.created", #""response":{"id":"r","status":"in_progress"}"#),
        ("response.output_text.delta", #""delta":" Hello""#),
        ("response.output_text.delta", #""delta":" world""#),
        ("response.output_text.done", #""text":" Hello world""#),
        ("response.completed", #""response":{"id":"r","usage":{"output_tokens":5}}"#),
    ].map { ServerSentEvent(type: $0.0, data: "{\"type\":\"\($0.0)\",\($0.1)}") }

    static let messages = [
        ("message_start", #""message":{"id":"m","usage":{"output_tokens":1}}"#),
        ("content_block_start", #""index":0"#),
        ("ping", #""x":0"#),
        ("content_block_delta", #""index":0,"delta":{"type":"text_delta","text":" Hello"}"#),
        ("content_block_delta", #""index":0,"delta":{"type":"input_json_delta","partial_json":"{"}"#),
        ("content_block_stop", #""index":0"#),
        ("message_delta", #""delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":6}"#),
        ("message_stop", #""x":0"#),
    ].map { ServerSentEvent(type: $0.0, data: "{\"type\":\"\($0.0)\",\($0.1)}") }

    static let gemini = [
        #"{"candidates":[{"content":{"parts":[{"text":" Hello"}],"role":"model"},"index":0}]}"#,
        #"{"candidates":[{"content":{"parts":[{"text":" world"}],"role":"model"},"finishReason":"STOP","index":0}]}"#,
        #"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5}}"#,
    ].map { ServerSentEvent(data: $0) }

    /// Its events are lines.
    static let ollama = [
        #"{"model":"m","message":{"role":"assistant","content":" Hello"},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":" world"},"done":false}"#,
        #"{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":5}"#,
    ].map { ServerSentEvent(data: $0) }

    static let agent = [
        #"{"type":"RUN_STARTED","runId":"1"}"#, #"{"type":"TEXT_MESSAGE_CONTENT","delta":" Hello"}"#,
        #"{"type":"RUN_FINISHED","runId":"1"}"#,
    ].map { ServerSentEvent(data: $0) }

    /// As a provider writes it.
    static func text(_ events: [ServerSentEvent]) -> String {
        events.map { ($0.type == "message" ? "" : "event: \($0.type)\n") + "data: \($0.data)\n\n" }.joined()
    }
}
