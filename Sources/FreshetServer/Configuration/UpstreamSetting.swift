/// A provider of language models, as it is written in the configuration: a few words, the first of which names it.
///
/// ```
/// openai
/// claude anthropic key=env:ANTHROPIC_API_KEY
/// local http://localhost:11434/v1 key=none
/// builtin
/// gemini key=env:GEMINI_API_KEY
/// agents sse http://localhost:8000 key=none last-event=RUN_FINISHED error-event=RUN_ERROR
/// ```
@available(freshet 0.1, *)
package struct UpstreamSetting: Sendable, Hashable, CustomStringConvertible {
    package enum Kind: String, Sendable, CaseIterable {
        case openai
        case anthropic
        case openAICompatible = "openai-compatible"
        case builtin
        case gemini
        case ollama
        case sse

        /// Whether its paths are its own, and do not follow `/v1`.
        var hasOwnPaths: Bool { self == .gemini || self == .ollama || self == .sse }
    }

    package enum Key: Sendable, Hashable {
        /// The caller's own, passed on.
        case caller
        /// The server's own, from a variable of its environment.
        case environment(String)
        case none
    }

    static let form = "upstreams, each `NAME [KIND] [URL] [key=…] [allow=/PATH …]`"

    package var name: String
    package var kind: Kind
    /// Up to and including `/v1`; empty for `builtin`.
    package var baseURL: String
    package var key: Key
    /// The paths behind the base that may be called; empty for all.
    package var allowed: [String]
    /// What tells the end and the failures of a stream, of kind `sse`.
    package var last: String?
    package var lastEvent: String?
    package var errorEvent: String?

    package var spendsOwnKey: Bool {
        if case .environment = key { return true }
        return false
    }

    package init(parsing text: String) throws(Refusal) {
        var words = text.split(whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
        var url: String?
        var kind: Kind?
        var key: Key?
        allowed = []
        guard let first = words.first else { throw Refusal("an upstream is written as \(Self.form)") }
        if Self.isURL(first) {
            name = Self.host(of: first)
        } else {
            name = first
            words.removeFirst()
            guard !name.isEmpty, name.utf8.allSatisfy(Self.isNameByte) else {
                throw Refusal("\"\(name)\" is not a name of an upstream; write letters, digits and hyphens")
            }
        }
        for word in words {
            if Self.isURL(word), url == nil {
                url = word
            } else if let named = Kind(rawValue: word), kind == nil {
                kind = named
            } else if word == "key=caller", key == nil {
                key = .caller
            } else if word == "key=none", key == nil {
                key = Key.none
            } else if word.hasPrefix("key=env:"), word.count > 8, key == nil {
                key = .environment(String(word.dropFirst(8)))
            } else if word.hasPrefix("allow=/") {
                allowed.append(try Self.path(word.dropFirst("allow=".count)))
            } else if word.hasPrefix("last="), word.count > 5, last == nil {
                last = String(word.dropFirst(5))
            } else if word.hasPrefix("last-event="), word.count > 11, lastEvent == nil {
                lastEvent = String(word.dropFirst(11))
            } else if word.hasPrefix("error-event="), word.count > 12, errorEvent == nil {
                errorEvent = String(word.dropFirst(12))
            } else {
                throw Refusal("\"\(word)\" says nothing of an upstream; write \(Self.form)")
            }
        }
        let host = url.map(Self.host)
        self.kind =
            kind ?? (url == nil || name == Kind.builtin.rawValue ? Kind(rawValue: name) : nil)
            ?? (host == "api-openai-com" ? .openai : host == "api-anthropic-com" ? .anthropic : .openAICompatible)
        guard [last, lastEvent, errorEvent].allSatisfy({ $0?.utf8.allSatisfy { 0x21...0x7E ~= $0 } ?? true }) else {
            throw Refusal("\(name): last=, last-event= and error-event= are written in ASCII")
        }
        let isNamed = last != nil || lastEvent != nil || errorEvent != nil
        guard !isNamed || self.kind == .sse else {
            throw Refusal("\(name): last=, last-event= and error-event= belong to the kind sse; others know their own")
        }
        if let given = url { url = try Self.base(given, hasOwnPaths: self.kind.hasOwnPaths) }
        switch self.kind {
        case .gemini: baseURL = url ?? "https://generativelanguage.googleapis.com"
        case .ollama: baseURL = url ?? "http://localhost:11434"
        case .sse:
            guard let url else { throw Refusal("\(name) needs an address, such as http://localhost:8000") }
            baseURL = url
        case .openai: baseURL = url ?? "https://api.openai.com/v1"
        case .anthropic: baseURL = url ?? "https://api.anthropic.com/v1"
        case .openAICompatible:
            guard let url else {
                throw Refusal("\(name) needs an address, such as http://localhost:11434/v1")
            }
            baseURL = url
        case .builtin:
            guard url == nil, key == nil else { throw Refusal("\(name) is built in and has neither address nor key") }
            baseURL = ""
        }
        self.key = key ?? (self.kind == .builtin ? Key.none : .caller)
    }

    package var description: String {
        let key =
            switch key {
            case .caller: "key=caller"
            case .environment(let variable): "key=env:\(variable)"
            case .none: "key=none"
            }
        guard kind != .builtin else { return "\(name) builtin" }
        let names = [("last", last), ("last-event", lastEvent), ("error-event", errorEvent)].compactMap { word, value in
            value.map { "\(word)=\($0)" }
        }
        return ([name, kind.rawValue, baseURL, key] + allowed.map { "allow=\($0)" } + names).joined(separator: " ")
    }

    private static func isURL(_ word: String) -> Bool { word.hasPrefix("http://") || word.hasPrefix("https://") }

    /// The address with its `/v1`: without a path it is meant to have one, as is Anthropic's own way of writing it. Where
    /// paths are the upstream's own it stays as it is.
    private static func base(_ url: String, hasOwnPaths: Bool) throws(Refusal) -> String {
        let authority = authority(of: url)
        var path = url.drop { $0 != ":" }.dropFirst(3).drop { $0 != "/" }
        guard Authority(parsing: authority) != nil, !path.contains(where: { $0 == "?" || $0 == "#" }) else {
            throw Refusal("\"\(url)\" is not an address; write http://host[:port]/v1 or https://…, without ? and #")
        }
        while path.last == "/" { path.removeLast() }
        let origin = url.prefix { $0 != ":" } + "://" + authority
        return origin + (path.isEmpty && !hasOwnPaths ? "/v1" : String(path))
    }

    /// A path as the relay compares it, without a slash at the end.
    private static func path(_ word: Substring) throws(Refusal) -> String {
        var path = word.utf8
        while path.last == UInt8(ascii: "/") { path.removeLast() }
        let segments = path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        guard segments.allSatisfy({ segment in segment.contains { !".+".utf8.contains($0) } }),
            path.allSatisfy({ 0x21...0x7E ~= $0 && !"%;?#\\".utf8.contains($0) })
        else {
            throw Refusal("\"\(word)\" is not a path to compare with; write it plainly, as in /chat/completions")
        }
        return String(Substring(path))
    }

    private static func authority(of url: String) -> String {
        String(url.drop { $0 != ":" }.dropFirst(3).prefix { $0 != "/" && $0 != "?" && $0 != "#" })
    }

    /// A host as a name.
    private static func host(of url: String) -> String {
        let host = Authority(parsing: authority(of: url))?.host ?? ""
        return String(host.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" })
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
