package import StreamHTTP
import TextCodecs

/// How the clients of a provider read an error: a refusal of the relay is told as the provider would tell it.
@available(freshet 0.1, *)
package enum ProviderErrorForm: Sendable {
    case openai
    case anthropic
    case gemini
    case ollama

    package init(_ format: WireFormat) {
        self =
            switch format {
            case .messages: .anthropic
            case .gemini: .gemini
            case .ollama: .ollama
            case .chat, .responses, .events: .openai
            }
    }

    /// - Parameters:
    ///   - kind: what the upstream speaks that the request names.
    ///   - path: what follows `/v1`.
    ///   - isAnthropic: the request has Anthropic's own header field.
    package init(of kind: Upstream.Kind?, path: String, isAnthropic: Bool) {
        switch kind {
        case .gemini: self = .gemini
        case .ollama: self = .ollama
        default: self.init(path: path, isAnthropic: isAnthropic)
        }
    }

    /// - Parameters:
    ///   - path: what follows `/v1`.
    ///   - isAnthropic: the request has Anthropic's own header field.
    package init(path: String, isAnthropic: Bool) {
        self = isAnthropic || path == "/messages" || path.utf8.starts(with: "/messages/".utf8) ? .anthropic : .openai
    }

    /// The kind of error, as the provider names it.
    fileprivate func type(of status: Int) -> String {
        if self == .gemini { return GoogleStatus.name(of: status) }
        return switch status {
        case 401: "authentication_error"
        case 403: "permission_error"
        case 404: self == .anthropic ? "not_found_error" : "invalid_request_error"
        case 413: self == .anthropic ? "request_too_large" : "invalid_request_error"
        case 429: "rate_limit_error"
        case 500...: self == .anthropic ? "api_error" : "server_error"
        default: "invalid_request_error"
        }
    }
}

@available(freshet 0.1, *)
extension Response {
    /// The same response, whose problem clients of a provider read as an error of that provider too.
    package func shaped(in form: ProviderErrorForm) -> Response {
        guard let problem else { return self }
        let type = form.type(of: problem.status)
        // Anthropic's clients go by the `type` "error", which is a relative URI, as a problem's may be.
        // Google's look for a `status` outside of the error first.
        var shaped = telling(problem, type: form == .anthropic ? "error" : nil, hasStatus: form != .gemini) { body in
            // Ollama's clients want words.
            if form == .ollama { return body.member("error", problem.detail) }
            body.member(
                "error",
                object: { error in
                    error.member("message", problem.detail)
                    if form == .gemini {
                        error.member("code", problem.status)
                        error.member("status", type)
                        error.member("reason", problem.code)
                    } else {
                        error.member("type", type)
                        if form == .openai { error.member("param", raw: "null".utf8) }
                        error.member("code", problem.code)
                    }
                }
            )
        }
        if problem.isFinal { shaped.sayFinal() }
        return shaped
    }

    /// Tells the clients of OpenAI and Anthropic not to repeat the call: it would come to the same.
    mutating func sayFinal() {
        headers.removeAll { $0.name.lowercased() == HeaderField.noRetry.name.lowercased() }
        headers.append(.noRetry)
    }
}

@available(freshet 0.1, *)
extension HeaderField {
    /// Their clients repeat what is answered 408, 409, 429, or 500 and above.
    static let noRetry = HeaderField("X-Should-Retry", "false")
}

@available(freshet 0.1, *)
extension Problem {
    /// Whether the same request comes to the same again. Problems that repeat and have a status that says otherwise
    /// carry `HeaderField.noRetry` themselves.
    var isFinal: Bool {
        switch status {
        case 408, 409, 429: false
        case 400..<500, 501, 505: true
        default: false
        }
    }
}
