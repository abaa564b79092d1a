package import ServerSentEvents
package import StreamCore
import TextCodecs

/// What an answer's events mean for its stream: how each is kept, and how the stream ends.
///
/// It ends `done` only when the provider's own last word came. An error that the provider tells in the stream ends it
/// `failed` with that error's message; a connection that ends before either, `failed` with `truncated`.
package struct ProviderEventMachine: Sendable {
    /// One event of the provider, as it is kept.
    package struct Kept: Sendable, Equatable {
        package var body: EventBody
        package var said: Said

        package var isToken: Bool { said == .token }
    }

    /// What an event says of the answer.
    package enum Said: Sendable, Equatable {
        /// It only keeps the connection.
        case nothing
        /// It tells something about the answer.
        case something
        /// It carries a part of it; providers send one such event a token, or a few tokens.
        case token
    }

    package let format: WireFormat
    /// How the answer ends, once the provider has said so.
    package private(set) var verdict: EndRequest?
    /// Nothing that follows is part of the answer.
    package private(set) var isOver = false
    /// The tokens that the provider counted itself.
    package private(set) var countedTokens: Int?

    package init(_ format: WireFormat) {
        self.format = format
    }

    package mutating func received(_ event: ServerSentEvent) -> Kept {
        let data = Array(event.data.utf8)
        let said =
            switch format {
            case .chat: chat(data)
            case .responses: response(event.type, data)
            case .messages: message(event.type, data)
            }
        return Kept(body: EventBody(type: ForeignEventType.kept(event.type), data: data), said: said)
    }

    /// The connection has ended, in good order or not.
    package func disconnected() -> EndRequest {
        verdict ?? EndRequest(.failed, detail: RelayFailure.truncated.rawValue)
    }

    // MARK: -

    private mutating func chat(_ data: [UInt8]) -> Said {
        // OpenAI's own clients stop at data that begins so.
        if data.starts(with: "[DONE]".utf8) {
            decide(EndRequest(.done))
            isOver = true
            return .something
        }
        let event = JSONSlice(data)
        if let error = event["error"], !error.isNull { decide(Self.failure(error)) }
        count(event["usage"]?["completion_tokens"])
        // vLLM sends `"choices": null` with the usage.
        let choices = event["choices"]?.elements ?? []
        let hasToken = choices.contains { choice in
            if choice["text"]?.saysSomething ?? false { return true }
            guard let delta = choice["delta"] else { return false }
            return Self.spoken.contains { delta[$0]?.saysSomething ?? false }
        }
        if hasToken { return .token }
        return choices.isEmpty && countedTokens == nil && verdict == nil ? .nothing : .something
    }

    /// Where a delta of a chat completion carries a part of the answer.
    private static let spoken = ["content", "tool_calls", "reasoning_content", "reasoning", "refusal", "function_call"]

    private mutating func response(_ name: String, _ data: [UInt8]) -> Said {
        if data.starts(with: "[DONE]".utf8) {
            isOver = verdict != nil
            return .something
        }
        let event = JSONSlice(data)
        let type = name == "error" ? name : event["type"]?.string ?? name
        let response = event["response"]
        switch type {
        case "response.completed": decide(EndRequest(.done))
        case "response.incomplete":
            let reason = response?["incomplete_details"]?["reason"]?.string ?? "the provider does not say why"
            decide(.failed("incomplete: \(reason)"))
        case "response.failed": decide(Self.failure(response?["error"]))
        case "response.cancelled": decide(.failed("the provider cancelled the response"))
        case "error": decide(Self.failure(event["error"].flatMap { $0.isNull ? nil : $0 } ?? event))
        case "keepalive", "ping": return .nothing
        default: return type.hasSuffix(".delta") ? .token : .something
        }
        count(response?["usage"]?["output_tokens"])
        return .something
    }

    private mutating func message(_ name: String, _ data: [UInt8]) -> Said {
        let event = JSONSlice(data)
        // Anthropic's clients go by the event's name.
        switch name == "message" ? event["type"]?.string ?? name : name {
        case "message_stop": decide(EndRequest(.done))
        case "error": decide(Self.failure(event["error"]))
        case "message_delta": count(event["usage"]?["output_tokens"])
        case "content_block_delta": return .token
        case "ping": return .nothing
        default: break
        }
        return .something
    }

    /// What no answer can have is no count: sums of it would go beyond every number, or back.
    private mutating func count(_ tokens: JSONSlice?) {
        guard let tokens = tokens?.integer, 0...1_000_000_000 ~= tokens else { return }
        countedTokens = tokens
    }

    /// The first word counts: what a provider adds after its error makes no success of it.
    private mutating func decide(_ end: EndRequest) {
        if verdict == nil { verdict = end }
    }

    private static func failure(_ error: JSONSlice?) -> EndRequest {
        guard let error else { return .failed("the provider failed without saying why") }
        let message = error["message"]?.string ?? error.string ?? error["code"]?.string ?? error["type"]?.string
        return .failed(message ?? String(decoding: error.raw, as: UTF8.self))
    }
}

extension EndRequest {
    /// A failure with its reason, cut to what an end may carry.
    static func failed(_ detail: String) -> EndRequest {
        guard detail.utf8.count > 1024 else { return EndRequest(.failed, detail: detail) }
        var length = 0
        let kept = detail.prefix { character in
            length += character.utf8.count
            return length <= 1021
        }
        return EndRequest(.failed, detail: kept + "…")
    }
}
