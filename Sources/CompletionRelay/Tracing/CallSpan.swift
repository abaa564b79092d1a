import NIOHTTP1
import StreamCore
import StreamHTTP
import Tracing

/// What a trace says of one call to an upstream, by OpenTelemetry's conventions for generative AI. It has nothing of what
/// was asked or answered, no key, and no word of the upstream but names, counts and its status.
@available(freshet 0.1, *)
final class CallSpan: Sendable {
    private let span: any Tracing.Span
    private let tracer: any Tracer
    private let withheld: Set<String>

    /// - Parameter model: as the call names it.
    init(_ request: RelayRequest, to upstream: Upstream, model: String?, by tracer: any Tracer) {
        self.tracer = tracer
        withheld = request.withheld
        let operation = CallOperation(method: request.method, path: request.path, of: upstream.kind)
        let model = (model ?? Self.model(in: request.path)).flatMap(AnswerFacts.word)
        let what = operation == .invokeAgent ? upstream.name : model
        let name = operation.map { operation in
            what.map { "\(operation.rawValue) \($0)" } ?? operation.rawValue
        }
        span = tracer.startSpan(
            name ?? LoggedText.short(request.method, 20),
            context: request.trace ?? .topLevel,
            ofKind: .client
        )
        guard isRecording else { return }
        span.updateAttributes { attributes in
            attributes["freshet.upstream"] = upstream.name
            if let place = upstream.place {
                attributes["server.address"] = place.host
                attributes["server.port"] = place.port
            }
            guard let operation else {
                attributes["http.request.method"] = LoggedText.short(request.method, 20)
                return
            }
            attributes["gen_ai.operation.name"] = operation.rawValue
            attributes["gen_ai.provider.name"] = upstream.provider
            // Its name until version 1.37 of the conventions, which is what most look for.
            attributes["gen_ai.system"] = upstream.provider
            if operation == .invokeAgent { attributes["gen_ai.agent.name"] = upstream.name }
            if let model { attributes["gen_ai.request.model"] = model }
        }
    }

    /// Somebody will see what it is told.
    var isRecording: Bool { span.isRecording }

    /// Says in the fields of the call which span it is.
    func inject(into headers: inout HTTPHeaders) {
        tracer.inject(span.context, into: &headers, using: HTTPHeadersInjector(withheld: withheld))
    }

    /// The head of the upstream's response is here.
    func answered(_ status: Int) {
        guard isRecording else { return }
        span.updateAttributes { $0["http.response.status_code"] = status }
        if status >= 400 { failed("\(status)") }
    }

    /// The first token can be read.
    func firstToken() { span.addEvent(SpanEvent(name: "first_token")) }

    func told(_ facts: AnswerFacts) {
        guard isRecording else { return }
        span.updateAttributes { attributes in
            if let model = facts.model { attributes["gen_ai.response.model"] = model }
            if let tokens = facts.inputTokens { attributes["gen_ai.usage.input_tokens"] = tokens }
            if let tokens = facts.outputTokens { attributes["gen_ai.usage.output_tokens"] = tokens }
            if !facts.finishReasons.isEmpty { attributes["gen_ai.response.finish_reasons"] = facts.finishReasons }
        }
    }

    /// - Parameter kind: what kind of failure: never a word of the upstream.
    func failed(_ kind: String) {
        guard isRecording else { return }
        span.updateAttributes { $0["error.type"] = kind }
        span.setStatus(SpanStatus(code: .error))
    }

    /// The call is over.
    func finish() { span.end() }

    /// The answer is over: as its stream has it, nil where that is no more.
    func finish(_ end: StreamEnd?) {
        if isRecording { span.updateAttributes { $0["freshet.end"] = end?.reason.rawValue ?? "removed" } }
        if end?.reason == .failed {
            let known = end?.detail.flatMap(RelayFailure.known)
            // A refusal was told by its status.
            if known?.utf8.starts(with: RelayFailure.refusal.utf8) != true { failed(known ?? "upstream-error") }
        }
        span.end()
    }

    /// Gemini's calls name the model in their path: `/models/NAME:generateContent`.
    private static func model(in path: String) -> String? {
        guard let folder = path.firstRange(of: "/models/") else { return nil }
        let name = path[folder.upperBound...]
        return name.lastIndex(of: ":").map { String(name[..<$0]) }
    }
}

/// Puts what goes with a trace in the place of what the caller sent.
@available(freshet 0.1, *)
private struct HTTPHeadersInjector: Injector {
    /// What the caller sent under these names held a key.
    let withheld: Set<String>

    func inject(_ value: String, forKey key: String, into headers: inout HTTPHeaders) {
        guard !withheld.contains(key.lowercased()) else { return }
        headers.replaceOrAdd(name: key, value: value)
    }
}
