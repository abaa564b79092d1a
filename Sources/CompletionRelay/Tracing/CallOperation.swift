/// What a call asks an upstream for, as OpenTelemetry's conventions for generative AI name it.
@available(freshet 0.1, *)
enum CallOperation: String, Sendable {
    case chat
    case generateContent = "generate_content"
    case textCompletion = "text_completion"
    case embeddings
    case invokeAgent = "invoke_agent"

    /// Nil for what asks no model for anything, such as a list of models.
    ///
    /// - Parameter path: behind `/v1`, or of an upstream with paths of its own.
    init?(method: String, path: String, of kind: Upstream.Kind) {
        guard method == "POST" else { return nil }
        if kind == .sse {
            self = .invokeAgent
            return
        }
        let path = path.withoutFinalSlash
        switch path {
        case "/chat/completions", "/responses", "/messages", "/api/chat": self = .chat
        case "/completions", "/api/generate": self = .textCompletion
        case "/embeddings", "/api/embed", "/api/embeddings": self = .embeddings
        case _ where path.hasSuffix(":generateContent") || path.hasSuffix(":streamGenerateContent"):
            self = .generateContent
        case _ where path.hasSuffix(":embedContent"): self = .embeddings
        default: return nil
        }
    }
}

@available(freshet 0.1, *)
extension Upstream {
    /// What OpenTelemetry calls whoever answers; whoever speaks OpenAI's protocol is told apart by its address.
    var provider: String {
        switch kind {
        case .openai, .openAICompatible: "openai"
        case .anthropic: "anthropic"
        case .gemini: "gcp.gemini"
        case .ollama: "ollama"
        case .builtin: "freshet"
        case .sse: name
        }
    }

    /// Where it is; nil for one in this process.
    var place: (host: String, port: Int)? {
        guard let colon = baseURL.firstRange(of: "://") else { return nil }
        let authority = baseURL[colon.upperBound...].prefix { $0 != "/" }
        let usual = baseURL.hasPrefix("https:") ? 443 : 80
        let address = authority.split(separator: "@").last ?? authority
        guard let mark = address.lastIndex(of: ":"), address.last != "]" else { return (String(address), usual) }
        return (String(address[..<mark]), Int(address[address.index(after: mark)...]) ?? usual)
    }
}
