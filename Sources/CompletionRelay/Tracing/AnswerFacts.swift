import TextCodecs

/// What a provider says about its answer, beside the answer: which model wrote it, of how many tokens, and why it
/// stopped. Read for traces only.
@available(freshet 0.1, *)
struct AnswerFacts: Sendable, Equatable {
    private(set) var model: String?
    private(set) var inputTokens: Int?
    private(set) var outputTokens: Int?
    /// Each once, in the order in which they were told.
    private(set) var finishReasons: [String] = []
    private let format: WireFormat

    init(_ format: WireFormat) {
        self.format = format
    }

    /// The data of an event.
    mutating func received(_ data: [UInt8]) {
        guard data.first == UInt8(ascii: "{") else { return }
        let event = JSONSlice(data)
        switch format {
        case .chat:
            told(model: event["model"])
            told(usage: event["usage"], "prompt_tokens", "completion_tokens")
            for choice in event["choices"]?.elements ?? [] { told(reason: choice["finish_reason"]) }
        case .responses:
            guard let response = event["response"] else { return }
            told(model: response["model"])
            told(usage: response["usage"], "input_tokens", "output_tokens")
            // Whether it is whole, or why it is not.
            let reason = response["incomplete_details"]?["reason"] ?? response["status"]
            if reason?.string != "in_progress", reason?.string != "queued" { told(reason: reason) }
        case .messages:
            let message = event["message"]
            told(model: message?["model"])
            told(input: message?["usage"])
            told(usage: event["usage"], nil, "output_tokens")
            told(input: event["usage"])
            told(reason: event["delta"]?["stop_reason"])
        case .gemini:
            told(model: event["modelVersion"])
            told(usage: event["usageMetadata"], "promptTokenCount", "candidatesTokenCount")
            for candidate in event["candidates"]?.elements ?? [] { told(reason: candidate["finishReason"]) }
        case .ollama:
            told(model: event["model"])
            told(usage: event, "prompt_eval_count", "eval_count")
            told(reason: event["done_reason"])
        case .events: break
        }
    }

    private mutating func told(model: JSONSlice?) {
        if self.model == nil, let name = model?.string.flatMap(Self.word) { self.model = name }
    }

    private mutating func told(usage: JSONSlice?, _ input: String?, _ output: String) {
        if let input, let tokens = Self.count(usage?[input]) { inputTokens = tokens }
        if let tokens = Self.count(usage?[output]) { outputTokens = tokens }
    }

    /// Anthropic counts what came from its cache apart from what was read anew.
    private mutating func told(input usage: JSONSlice?) {
        guard let fresh = Self.count(usage?["input_tokens"]) else { return }
        let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"].compactMap { Self.count(usage?[$0]) }
        inputTokens = cached.reduce(fresh, +)
    }

    private mutating func told(reason: JSONSlice?) {
        guard let reason = reason?.string.flatMap(Self.word), reason.utf8.count <= 40, finishReasons.count < 8,
            !finishReasons.contains(reason)
        else { return }
        finishReasons.append(reason)
    }

    /// What no answer can have is no count.
    private static func count(_ tokens: JSONSlice?) -> Int? {
        guard let tokens = tokens?.integer, 0...1_000_000_000 ~= tokens else { return nil }
        return tokens
    }

    /// A name and not a text: whatever a provider puts there, no part of an answer is in a trace.
    static func word(_ text: String) -> String? {
        1...100 ~= text.utf8.count && text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) ? text : nil
    }
}
