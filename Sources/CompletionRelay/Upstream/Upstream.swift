/// One provider, as the configuration names it. Nothing else is ever called: callers choose among these by name.
@available(freshet 0.1, *)
package struct Upstream: Sendable, Hashable {
    package enum Kind: String, Sendable, CaseIterable {
        case openai
        case anthropic
        /// Speaks OpenAI's protocol: vLLM, llama.cpp, Ollama's `/v1`.
        case openAICompatible = "openai-compatible"
        /// The demonstration's answerer, in this process.
        case builtin
        /// Google's Gemini API, at its own paths.
        case gemini
        /// Ollama's own API, at its own paths.
        case ollama
        /// Anything whose `POST` may be answered by a stream of events: agents.
        case sse

        /// Whether its paths are its own, and do not follow `/v1`.
        package var hasOwnPaths: Bool { self == .gemini || self == .ollama || self == .sse }
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
    /// Scheme, authority and path up to and including `/v1`, or to where its own paths begin, without a slash at the end; empty for `builtin`.
    package var baseURL: String
    package var key: Key
    /// The paths behind `/v1` that may be called, and what lies below them; only that where one ends with `/*`. Empty
    /// for all.
    package var allowed: [String]
    /// What its events say by their names.
    package var names: EventNames

    package init(
        name: String,
        kind: Kind,
        baseURL: String,
        key: Key,
        allowed: [String] = [],
        names: EventNames = EventNames()
    ) {
        self.name = name
        self.kind = kind
        self.baseURL = baseURL
        self.key = key
        self.allowed = allowed
        self.names = names
    }

    package func allows(_ path: UpstreamPath) -> Bool { allowed.isEmpty || allowed.contains(where: path.isBelow) }

    /// Whether a response that exists is named among the paths that may be called: by `/responses/*`, or by its id. All
    /// of `/responses` names only the making of one.
    func names(_ path: UpstreamPath) -> Bool {
        allowed.contains { $0.utf8.starts(with: "\(WireFormat.responses.path)/".utf8) && path.isBelow($0) }
    }

    /// Whether every response that exists is: who may read each may list them.
    var namesEveryResponse: Bool { allowed.contains("\(WireFormat.responses.path)/*") }

    package var spendsOwnKey: Bool {
        if case .own = key { return true }
        return false
    }
}
