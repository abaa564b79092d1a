import NIOHTTP1
import StreamCore
import StreamHTTP
import TextCodecs

/// What a request says: where it goes, and what it asks of the relay.
@available(freshet 0.1, *)
extension Relay {
    static func path(of request: RelayRequest) throws(Problem) -> UpstreamPath {
        guard !request.targetHoldsKey else { throw .keyInURL }
        guard request.query.utf8.allSatisfy({ 0x21...0x7E ~= $0 && $0 != UInt8(ascii: "#") }) else {
            throw .badPath("Its query has a blank, a #, or a character that is not ASCII")
        }
        do throws(UpstreamPath.Ambiguity) {
            return try UpstreamPath(request.path)
        } catch {
            throw .badPath("It \(error.reason)")
        }
    }

    /// The upstream that answers a request: the one it names, the one of its model, or the first that speaks its
    /// format.
    func choose(
        for request: RelayRequest,
        _ path: UpstreamPath,
        format: WireFormat?,
        model: String?
    ) throws(Problem) -> Upstream {
        let upstreams = configuration.upstreams
        let found: Upstream?
        if let name = request.upstream {
            found = upstreams.first { $0.name == name }
        } else if model == BuiltinUpstream.model, let builtin = upstreams.first(where: { $0.kind == .builtin }) {
            found = builtin
        } else {
            // Anthropic's clients say so in every request.
            let isAnthropic = format == .messages || request.headers.contains(name: "anthropic-version")
            let preferred: [[Upstream.Kind]] =
                isAnthropic
                ? [[.anthropic], [.openAICompatible], [.builtin]] : [[.openai, .openAICompatible], [.builtin]]
            found =
                preferred.lazy.compactMap { kinds in upstreams.first { kinds.contains($0.kind) } }.first
                ?? upstreams.first { !$0.kind.hasOwnPaths }
        }
        guard let upstream = found else { throw .noUpstream(request.upstream) }
        guard upstream.allows(path) else { throw .pathNotAllowed(upstream) }
        if upstream.key == .caller, request.credentialIsOurs { throw .keyIsOurs }
        return upstream
    }

    static func isJSON(_ values: [String]) -> Bool {
        values.count == 1 && ContentType(values[0])?.kind == .json
    }

    func policy(_ values: [String]) throws(Problem) -> DisconnectPolicy {
        guard let text = values.first else { return .continue }
        guard values.count == 1, let policy = DisconnectPolicy(text) else {
            throw .badDisconnectPolicy(configuration.unreadLimit)
        }
        if case .grace(let seconds) = policy, .seconds(seconds) > configuration.unreadLimit {
            throw .badDisconnectPolicy(configuration.unreadLimit)
        }
        return policy
    }

    /// `Freshet-Early`: seconds, whole or with a fraction.
    func early(_ request: RelayRequest, _ format: WireFormat) throws(Problem) -> Duration {
        let values = request.headers["Freshet-Early"]
        guard let text = values.first else {
            // Nobody knows whether it will be a stream where the caller does not say so.
            guard format == .events else { return configuration.early }
            let accepted = request.headers["Accept"].joined(separator: ",").lowercased()
            return accepted.contains("text/event-stream") ? configuration.early : .zero
        }
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard values.count == 1, parts.count <= 2,
            parts.allSatisfy({ (1...5).contains($0.count) && $0.allSatisfy { 0x30...0x39 ~= $0 } }),
            let seconds = Double(text), seconds <= 86_400
        else { throw .badEarly }
        return .seconds(seconds)
    }

    static func key(_ values: [String]) throws(Problem) -> String? {
        guard let key = values.first else { return nil }
        guard values.count == 1, (1...255).contains(key.utf8.count), key.utf8.allSatisfy({ 0x20...0x7E ~= $0 }) else {
            throw .badIdempotencyKey
        }
        return key
    }
}
