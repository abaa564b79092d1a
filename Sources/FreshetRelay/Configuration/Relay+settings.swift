package import AsyncHTTPClient
package import CompletionRelay
package import FreshetServer
package import Logging
package import StreamCore
import StreamHTTP
package import Tracing

/// A relay as the configuration wants it.
@available(freshet 0.1, *)
extension RelayConfiguration {
    package init(_ configuration: ServerConfiguration) {
        self.init(upstreams: configuration.upstreams.map(Upstream.init))
        answerLifetime = configuration.relayAnswerLifetime
        unreadLimit = configuration.relayUnread
        idle = configuration.relayIdle
        wordless = configuration.relayWordless ?? configuration.relayIdle * 3
        early = configuration.relayEarly
        bodyBytes = configuration.relayBodyBytes
        eventBytes = configuration.relayEventBytes
        responseFields = ResponseFields(further: configuration.relayResponseFields)
        runningAnswers = configuration.relayAnswers
    }

    /// The keys that are the server's own, by the names of their upstreams.
    package func ownKeys(_ environment: [String: String]) throws(MissingKey) -> [String: String] {
        var keys: [String: String] = [:]
        for upstream in upstreams {
            guard case .own(let variable) = upstream.key else { continue }
            guard let key = environment[variable], !key.isEmpty else {
                throw MissingKey(
                    description: "upstreams: \(upstream.name) wants its key in \(variable), which is not set"
                )
            }
            keys[upstream.name] = key
        }
        return keys
    }

    package struct MissingKey: Error, CustomStringConvertible {
        package var description: String
    }
}

@available(freshet 0.1, *)
extension Relay {
    /// - Parameters:
    ///   - client: calls the upstreams that are elsewhere.
    ///   - tracer: makes a span of each call to one; nil for none.
    ///   - builtin: the words of an answer of the built-in model to a question.
    package convenience init(
        streams: Streams,
        configuration: RelayConfiguration,
        ownKeys: [String: String],
        client: HTTPClient,
        logger: Logger,
        tracer: (any Tracer)?,
        builtin: @escaping @Sendable (String) -> [String]
    ) {
        var transports: [String: any UpstreamTransport] = [:]
        for upstream in configuration.upstreams {
            transports[upstream.name] =
                upstream.kind == .builtin
                ? BuiltinUpstream(answer: builtin)
                : HTTPUpstream(baseURL: upstream.baseURL, client: client)
        }
        self.init(
            streams: streams,
            configuration: configuration,
            transports: transports,
            ownKeys: ownKeys,
            log: ServerLog(logger),
            tracer: tracer
        )
    }
}

@available(freshet 0.1, *)
extension Upstream {
    package init(_ setting: UpstreamSetting) {
        let kind: Kind =
            switch setting.kind {
            case .openai: .openai
            case .anthropic: .anthropic
            case .openAICompatible: .openAICompatible
            case .builtin: .builtin
            case .gemini: .gemini
            case .ollama: .ollama
            case .sse: .sse
            }
        let key: Key =
            switch setting.key {
            case .caller: .caller
            case .environment(let variable): .own(variable)
            case .none: .none
            }
        self.init(
            name: setting.name,
            kind: kind,
            baseURL: setting.baseURL,
            key: key,
            allowed: setting.allowed,
            names: EventNames(last: setting.last, lastEvent: setting.lastEvent, error: setting.errorEvent)
        )
    }
}

@available(freshet 0.1, *)
extension Upstream {
    /// Host and port of its address, as a reader may be told: without a path, and without a password.
    package var authority: String {
        let address = baseURL.firstRange(of: "://").map { baseURL[$0.upperBound...] } ?? baseURL[...]
        let authority = address.prefix { $0 != "/" }
        return String(authority.split(separator: "@").last ?? authority)
    }
}
