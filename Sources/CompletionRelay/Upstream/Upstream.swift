/// One provider, as the configuration names it. Nothing else is ever called: callers choose among these by name.
package struct Upstream: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case openai
        case anthropic
        /// Speaks OpenAI's protocol: vLLM, llama.cpp, Ollama's `/v1`.
        case openAICompatible = "openai-compatible"
        /// The demonstration's answerer, in this process.
        case builtin
    }

    /// Where the key comes from that the upstream is called with.
    package enum Key: Sendable, Hashable {
        /// The caller's own, in the header fields that it sent.
        case caller
        /// The server's, from a variable of its environment.
        case own(String)
        case none
    }

    package var name: String
    package var kind: Kind
    /// Scheme, authority and path up to and including `/v1`, without a slash at the end; empty for `builtin`.
    package var baseURL: String
    package var key: Key
    /// The paths behind `/v1` that may be called, and what lies below them; empty for all.
    package var allowed: [String]

    package init(name: String, kind: Kind, baseURL: String, key: Key, allowed: [String] = []) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.key = key
        self.allowed = allowed
    }

    package func allows(_ path: UpstreamPath) -> Bool { allowed.isEmpty || allowed.contains(where: path.isBelow) }

    package var spendsOwnKey: Bool {
        if case .own = key { return true }
        return false
    }
}
