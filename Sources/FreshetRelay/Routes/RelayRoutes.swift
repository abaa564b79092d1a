package import AsyncHTTPClient
package import CompletionRelay
package import FreshetServer
import NIOHTTP1
package import StreamCore
package import StreamHTTP

/// The relay's paths in a server: everything under `/v1` that is not the server's own goes to the upstream that suits
/// it, `/relay/NAME/v1` to the one of that name.
@available(freshet 0.1, *)
package struct RelayRoutes: RouteGroup {
    /// How the server knows its callers.
    package enum Callers: Sendable {
        /// It asks nobody.
        case anyone
        /// By its keys.
        case keys
        /// A program says who they are, by fields that nobody else knows of; there may be keys as well.
        case authorised(hasKeys: Bool)
    }

    let relay: Relay
    private let access: CurrentAccess
    private let callers: Callers
    private let client: HTTPClient
    private let time: any TimeSource

    /// - Parameter client: what upstreams are called with; it is shut down with the server.
    package init(
        relay: Relay,
        access: CurrentAccess,
        callers: Callers,
        client: HTTPClient,
        time: any TimeSource = SystemTime()
    ) {
        self.relay = relay
        self.access = access
        self.callers = callers
        self.client = client
        self.time = time
    }

    private var hasKeys: Bool {
        switch callers {
        case .anyone: false
        case .keys: true
        case .authorised(let hasKeys): hasKeys
        }
    }

    package func isPublic(_ request: RouteRequest) -> Bool { false }

    /// A key as this server's own clients say it: in the field that is for nothing else, or where a provider's client
    /// has a key to send.
    package func shownKey(_ request: RouteRequest) -> String? {
        guard self.target(request.target.rawPath, request.head.headers) != nil else { return nil }
        let headers = request.head.headers
        if let key = headers.first(name: "Freshet-Key") { return key }
        guard headers.first(name: "Authorization") == nil else { return nil }
        if let key = headers.first(name: "x-api-key") { return key }
        // A page that is known by its cookie may send a provider's key in the others.
        let (policy, now) = (access.policy, now)
        return Credentials.fields.lazy.compactMap { headers.first(name: $0) }.first { policy.isSecret($0, now: now) }
    }

    /// Cancelling a response, or deleting one.
    package func frees(_ request: RouteRequest) -> Bool {
        guard let target = self.target(request.target.rawPath, request.head.headers) else { return false }
        switch request.head.method {
        case .DELETE: return true
        case .POST: return target.path.withoutFinalSlash.hasSuffix("/cancel")
        default: return false
        }
    }

    private var now: Int64 { Int64(time.wallMilliseconds() / 1000) }

    package func plan(_ request: RouteRequest) -> RequestPlan? {
        guard let target = self.target(request.target.rawPath, request.head.headers), let caller = request.caller else {
            return nil
        }
        // What is asked comes back in the answer, with the key that an upstream is called with.
        guard request.head.method.rawValue != "TRACE" else { return .respond(Response(Problem(.unsupportedMethod))) }
        let headers = passing(request.head.headers)
        if let problem = caller.refusal(.create, Relay.answerPrefix) { return .respond(Response(problem)) }
        var place: (any AnyObject & Sendable)?
        if request.head.method == .POST, !frees(request) {
            do throws(Problem) {
                place = try caller.openProducer()
            } catch {
                return .respond(Response(error))
            }
        }
        let query = request.head.uri.utf8.drop { $0 != UInt8(ascii: "?") }
        let (policy, now) = (access.policy, now)
        return relay.plan(
            for: RelayRequest(
                method: request.head.method.rawValue,
                path: target.path,
                query: String(decoding: query, as: UTF8.self),
                headers: HTTPHeaders(headers.map { ($0.name, $0.value) }),
                body: request.head.body,
                upstream: target.upstream,
                baseURL: request.baseURL,
                caller: name(of: caller),
                token: token(of: caller, request),
                isOurs: hasKeys ? { policy.isSecret($0, now: now) } : nil,
                isDraining: request.facts.isDraining,
                inflight: request.facts.inflight,
                address: request.facts.address,
                trace: request.facts.trace
            )
        ).holding(place).held(by: caller.grant(.create, Relay.answerPrefix))
    }

    package func route(of target: RequestTarget, _ head: RequestHead) -> String? {
        guard self.target(target.rawPath, head.headers) != nil else { return nil }
        let isNamed = target.rawPath.hasPrefix("/relay/")
        let rest = isNamed ? target.rawPath.dropFirst("/relay/".count).drop { $0 != "/" } : target.rawPath[...]
        let opening = isNamed ? "/relay/{upstream}" : ""
        let path = String(rest).withoutFinalSlash
        if Self.knownPaths.contains(path) { return opening + path }
        return opening + (["/v1/", "/v1beta/", "/api/"].first { rest.hasPrefix($0) } ?? "/") + "{path...}"
    }

    /// Those that most calls go to. Of others it is not known what of them a client chose.
    private static let knownPaths: Set<String> = [
        "/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/messages", "/v1/models", "/v1/responses",
        "/api/chat", "/api/generate", "/api/embed", "/api/tags",
    ]

    private func name(of caller: RouteCaller) -> String? {
        if case .anyone = callers { return nil }
        return caller.admission.caller.name
    }

    /// The signed token by which a caller is known: it is renewed, and who was given an answer by the one before may
    /// read on by the next.
    private func token(of caller: RouteCaller, _ request: RouteRequest) -> String? {
        guard caller.admission.credential == .token else { return nil }
        return shownKey(request) ?? request.origin.authorization.flatMap { BearerToken(authorization: $0)?.text }
    }

    /// What may go on to an upstream. Nobody knows which fields tell a program who asks, so that beside one only those
    /// go on that the clients of providers send.
    private func passing(_ headers: RequestFields) -> [(name: String, value: String)] {
        let all = headers.map { (name: $0.name, value: $0.value) }
        guard case .authorised = callers else { return all }
        return all.filter { field in
            let name = field.name.lowercased()
            return Self.clientFields.contains(name)
                || Self.clientBeginnings.contains { name.utf8.starts(with: $0.utf8) }
        }
    }

    private static let clientFields: Set<String> = [
        "accept", "content-type", "freshet-on-disconnect", "idempotency-key", "traceparent", "tracestate", "user-agent",
        "x-goog-api-client",
    ]
    private static let clientBeginnings = ["anthropic-", "openai-", "x-stainless-"]

    package func response(
        telling problem: Problem,
        in response: Response,
        to target: RequestTarget,
        _ head: RequestHead
    ) -> Response? {
        guard let target = self.target(target.rawPath, head.headers) else { return nil }
        let form = ProviderErrorForm(
            of: relay.configuration.upstreams.first { $0.name == target.upstream }?.kind,
            path: target.path,
            isAnthropic: head.headers.first(name: "anthropic-version") != nil
        )
        return response.shaped(in: form)
    }

    package func figures(of stream: StreamName) async -> StreamFigures? {
        guard let measured = await relay.measured(stream) else { return nil }
        let values = measured.split(separator: ", ").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        return StreamFigures(
            field: "Relay-Metrics",
            member: "relay",
            values: values.compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }
        )
    }

    package func writes(_ stream: StreamName) -> Bool { Relay.isAnswer(stream) }

    package func prepare() async throws { try await relay.recover() }

    package var isBusy: Bool { relay.isBusy }

    package func conclude() async { await relay.conclude() }

    package func stop() async { try? await client.shutdown() }

    /// Google's API has a `/v1` too. Its clients say who they are, and its verbs are nobody else's.
    private static func isGoogles(_ path: String, _ headers: RequestFields) -> Bool {
        let verbs = [":generateContent", ":streamGenerateContent", ":countTokens", ":embedContent"]
        return headers.first(name: "x-goog-api-client") != nil
            || path.hasPrefix("/v1/models/") && verbs.contains(where: path.withoutFinalSlash.hasSuffix)
    }

    /// The upstream that a path names, or that alone has such paths, and the path behind its address; nil when it is
    /// none of the relay's.
    func target(_ path: String, _ headers: RequestFields) -> (upstream: String?, path: String)? {
        for (beginning, kind) in [("/v1beta/", Upstream.Kind.gemini), ("/api/", .ollama)]
        where path.hasPrefix(beginning) {
            return relay.configuration.upstreams.first { $0.kind == kind }.map { ($0.name, path) }
        }
        if path.hasPrefix("/v1/"), Self.isGoogles(path, headers),
            let gemini = relay.configuration.upstreams.first(where: { $0.kind == .gemini })
        {
            return (gemini.name, path)
        }
        if path.hasPrefix("/v1/") {
            let isOwn = ["/v1/stream/", "/v1/streams/"].contains { path.hasPrefix($0) }
            return isOwn || ["/v1/stream", "/v1/streams", "/v1/session"].contains(path)
                ? nil : (nil, String(path.dropFirst("/v1".count)))
        }
        guard path.hasPrefix("/relay/") else { return nil }
        let rest = path.dropFirst("/relay/".count)
        guard let slash = rest.firstIndex(of: "/") else { return nil }
        let name = String(rest[..<slash])
        if relay.configuration.upstreams.contains(where: { $0.name == name && $0.kind.hasOwnPaths }) {
            return (name, String(rest[slash...]))
        }
        guard rest[slash...].hasPrefix("/v1/") else { return nil }
        return (name, String(rest[slash...].dropFirst("/v1".count)))
    }
}
