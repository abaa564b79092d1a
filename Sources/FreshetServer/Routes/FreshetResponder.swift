package import StreamCore
package import StreamHTTP
import TextCodecs

/// The server's routes: looks at a request's head, decides who it is for, whether it may, and how it is answered.
@available(freshet 0.1, *)
package final class FreshetResponder: Responder {
    private let access: CurrentAccess
    private let streamRoutes: StreamRoutes
    private let listing: ListingRoutes
    private let session: SessionRoute?
    private let metrics: MetricsRoute?
    private let inspection: InspectionRoutes
    private let node: NodeRoute?
    private let who: AuthenticatorChain
    /// Something decides each time anew, and can be asked again.
    private let hasGate: Bool
    /// The rounds in which all open requests are asked about.
    package let rounds = AskingRounds()
    private let probe: ProbeRoutes?
    private let extra: [any RouteGroup]
    private let time: any TimeSource
    private let publicURL: PublicURL?
    private let namesCallers: Bool
    private let quotas: QuotaTable?

    /// - Parameters:
    ///   - publicURL: where clients reach the server, where that was set.
    ///   - gate: who asks, where that is not for keys alone to say.
    ///   - extra: further routes, asked in their order for what is not Freshet's own.
    ///   - quotas: what each caller may do next to the others; nil for no limits.
    ///   - namesCallers: plans say whose request it is, where somebody logs that.
    package init(
        access: CurrentAccess,
        streamRoutes: StreamRoutes,
        listing: ListingRoutes,
        session: SessionRoute?,
        metrics: MetricsRoute? = nil,
        node: NodeRoute? = nil,
        gate: (any Authenticator)? = nil,
        probe: ProbeRoutes? = nil,
        extra: [any RouteGroup] = [],
        publicURL: PublicURL? = nil,
        quotas: QuotaTable? = nil,
        namesCallers: Bool = false,
        time: any TimeSource = SystemTime()
    ) {
        self.access = access
        self.streamRoutes = streamRoutes
        self.listing = listing
        self.session = session
        self.metrics = metrics
        self.inspection = InspectionRoutes(plane: streamRoutes.plane)
        self.node = node
        var links: [any Authenticator] = []
        if let probe { links.append(probe.access) }
        if let gate { links.append(gate) }
        if let tokens = access.policy.tokens { links.append(tokens) }
        // Beside a program that decides, only who has a key or a session is let in.
        if gate == nil || access.policy.keys != nil || access.policy.tokens != nil { links.append(access) }
        self.who = AuthenticatorChain(links)
        self.hasGate = gate != nil
        self.probe = probe
        self.extra = extra
        self.publicURL = publicURL
        self.quotas = quotas
        self.namesCallers = namesCallers
        self.time = time
    }

    package var plane: StreamPlane? { streamRoutes.plane }

    package func isSecret(_ word: String) -> Bool { access.policy.isSecret(word, now: seconds) }

    package func route(of head: RequestHead) -> String? {
        let target = RequestTarget(head.uri)
        return RouteTemplate.of(target.rawPath) ?? extra.lazy.compactMap { $0.route(of: target, head) }.first
    }

    package func plan(for head: RequestHead, _ facts: ConnectionFacts) -> RequestPlan {
        plan(for: head, facts) { route($0) }
    }

    /// The plan for a request that another server took, which has asked a program who sends it.
    ///
    /// - Parameters:
    ///   - identity: what the program said; nil where it leaves it to others.
    ///   - round: the one of `rounds` that was there before it was asked.
    ///   - again: asks it once more.
    package func plan(
        for head: RequestHead,
        _ facts: ConnectionFacts,
        of identity: Result<Admission, Problem>?,
        since round: Int,
        again: @escaping @Sendable () async -> Result<Admission, Problem>?
    ) -> RequestPlan {
        plan(for: head, facts) { request in
            let asking = Asking(round, of: rounds) { [self] in
                if let identity = await again() { return identity }
                return await self.identity(of: request, shown(request))
            }
            guard let identity else { return route(request, asking) }
            return route(request, identity, asking)
        }
    }

    /// What is asked of every head, and then a preflight or a route.
    private func plan(
        for head: RequestHead,
        _ facts: ConnectionFacts,
        _ route: (RouteRequest) -> RequestPlan
    ) -> RequestPlan {
        do throws(Problem) {
            let head = try RequestScreening.screened(head)
            let target = RequestTarget(head.uri)
            let request = RouteRequest(head: head, target: target, facts: facts, publicURL: publicURL)
            let policy = access.policy
            if let problem = policy.screen(request.origin, isOnThisMachine: facts.isOnThisMachine) { throw problem }
            if head.method == .OPTIONS { return .respond(Self.preflight) }
            if let name = SingleParameter.repeated(in: request.target) { throw .repeatedParameter(name) }
            return route(request)
        } catch {
            return .respond(Response(error))
        }
    }

    package func respond(to failure: RequestFailure, head: RequestHead?) -> Response { Response(Problem(failure)) }

    package func shaped(_ response: Response, for head: RequestHead?) -> Response {
        guard let problem = response.problem, let head, !extra.isEmpty else { return response }
        let target = RequestTarget(head.uri)
        let shaped = extra.lazy.compactMap { $0.response(telling: problem, in: response, to: target, head) }
        return shaped.first ?? response
    }

    package func commonFields(for head: RequestHead?) -> [HeaderField] {
        if BrowserModules.isModule(head) { return BrowserModules.everyResponse }
        guard let origin = head?.headers.first(name: "Origin") else { return Self.everyResponse }
        return Self.everyResponse
            + access.policy.corsFields(
                origin: origin,
                preflight: head?.method == .OPTIONS,
                requested: head?.headers["Access-Control-Request-Headers"] ?? []
            )
    }

    private func route(_ request: RouteRequest, _ asking: Asking? = nil) -> RequestPlan {
        if request.target.rawPath == RouteTemplate.health { return .respond(health(request)) }
        if let module = BrowserModules.response(to: request) { return .respond(module) }
        if let refusal = request.facts.refusal, let plan = refuse(request, refusal) { return plan }
        if isSession(request), request.head.method != .POST {
            return .respond(Response(.method(allowed: "POST, OPTIONS")))
        }
        if extra.contains(where: { $0.isPublic(request) }) { return route(request, nil, nil) }
        let shown = shown(request)
        var asking = asking
        if hasGate, asking == nil {
            asking = Asking(rounds.current, of: rounds) { [self] in await identity(of: request, shown) }
        }
        switch who.authenticate(request, shown, now: seconds) {
        case .now(let identity): return route(request, identity, asking)
        case .later(let identify):
            return .later { [self, asking] in route(request, await identify(), asking) }
        }
    }

    /// What a request says of who sent it, with the key that it shows to further routes.
    private func shown(_ request: RouteRequest) -> RequestFacts {
        var shown = request.origin
        for routes in extra { if let key = routes.shownKey(request) { shown.authorization = "Bearer \(key)" } }
        return shown
    }

    private func identity(of request: RouteRequest, _ shown: RequestFacts) async -> Result<Admission, Problem> {
        switch who.authenticate(request, shown, now: seconds) {
        case .now(let identity): identity
        case .later(let identify): await identify()
        }
    }

    private func isSession(_ request: RouteRequest) -> Bool {
        session != nil && request.target.rawPath == RouteTemplate.session
    }

    /// - Parameters:
    ///   - identity: who asks; nil for what needs no key.
    ///   - asking: how that is found out again; nil where nobody is asked for that.
    private func route(
        _ request: RouteRequest,
        _ identity: Result<Admission, Problem>?,
        _ asking: Asking?
    ) -> RequestPlan {
        let plan = routed(request, identity, asking)
        guard namesCallers, case .success(let admission) = identity, let name = admission.name else { return plan }
        return .named(name, plan)
    }

    private func routed(
        _ request: RouteRequest,
        _ identity: Result<Admission, Problem>?,
        _ asking: Asking?
    ) -> RequestPlan {
        var request = request
        switch identity {
        case nil: break
        case .failure(let problem): return .respond(Response(problem))
        case .success(let admission):
            if admission.credential == .program, let expires = admission.expires, expires <= seconds {
                return .respond(Response(.decisionExpired()))
            }
            let policy = access.policy
            let quotas = quotas.flatMap { CallerQuotas(admission, $0) }
            let caller = RouteCaller(access: policy, admission: admission, who: who, quotas: quotas, asking: asking)
            request.caller = caller
            if let plan = refuse(request, by: quotas) { return plan }
            if isSession(request), let session { return session.plan(request, caller, now: seconds) }
            if let plan = probe?.plan(request) { return plan }
            if let plan = streamRoutes.plan(request, caller) { return plan }
            if let plan = listing.plan(request, caller) { return plan }
            if let plan = metrics?.plan(request, caller) { return plan }
            if let plan = inspection.plan(request, caller) { return plan }
            if let plan = node?.plan(request, caller) { return plan }
        }
        for routes in extra {
            if let plan = routes.plan(request) { return plan }
        }
        return .respond(
            Response(
                Problem(
                    404,
                    "no-such-path",
                    title: "Path not found",
                    detail: "Streams are at /v1/stream/{name}, their list is at /v1/streams."
                )
            )
        )
    }

    /// The response to a request that is one too many in this second; nil where it is not, and for what only ends
    /// something.
    private func refuse(_ request: RouteRequest, by quotas: CallerQuotas?) -> RequestPlan? {
        guard let quotas, !StreamRoutes.frees(request), !extra.contains(where: { $0.frees(request) }) else {
            return nil
        }
        do throws(Problem) {
            try quotas.takeRequest()
            return nil
        } catch {
            return streamRoutes.nativeFarewell(request, .overloaded) ?? .respond(Response(error))
        }
    }

    private var seconds: Int64 { Int64(time.wallMilliseconds() / 1000) }

    private func health(_ request: RouteRequest) -> Response {
        guard request.head.method == .GET || request.head.method == .HEAD else {
            return Response(.method(allowed: "GET, HEAD, OPTIONS"))
        }
        let store = streamRoutes.streams.store
        let failure = store.failure
        // Without a store that all nodes share, each of them still says what its clients should do. A balancer that knew of
        // no node would answer 503, of which no `EventSource` comes back.
        let standing = (store as? any ObservedStore)?.standing
        let status = failure != nil ? "unavailable" : request.facts.isDraining ? "draining" : "ready"
        let body = JSONWriter.object {
            $0.member("status", status)
            if let failure { $0.member("why", failure) }
            guard let standing else { return }
            $0.member(
                "store",
                object: {
                    $0.member("state", standing.trouble == nil ? "up" : "down")
                    if let trouble = standing.trouble { $0.member("why", trouble) }
                    $0.member("session", standing.session)
                    $0.member("master", standing.server)
                    $0.member("memory", standing.memory)
                    $0.member("memoryLimit", standing.memoryLimit)
                }
            )
        }
        return Response(
            status == "ready" ? 200 : 503,
            headers: [HeaderField("Content-Type", "application/json"), HeaderField("Cache-Control", "no-store")],
            body: body + "\n".utf8
        )
    }

    private static let preflight = Response(
        204,
        headers: [HeaderField("Allow", "GET, HEAD, PUT, POST, DELETE, OPTIONS")]
    )

    /// The response on a connection that is one too many: a native reader is asked to come back, since no status would
    /// bring an `EventSource` back.
    private func refuse(_ request: RouteRequest, _ refusal: ConnectionRefusal) -> RequestPlan? {
        if let plan = streamRoutes.farewell(request, .overloaded) { return plan }
        let (status, what) =
            switch refusal {
            case .tooManyConnections: (503, "The server has reached its limit of connections.")
            case .tooManyFromAddress: (429, "This address has reached its limit of connections or of requests.")
            }
        return .respond(
            Response(
                Problem(
                    status,
                    "too-many-connections",
                    title: "Too many connections",
                    detail: "\(what) Close some, or try again later.",
                    headers: [HeaderField("Retry-After", "5")]
                )
            )
        )
    }

    private static let everyResponse = [
        HeaderField("Vary", "Accept, Origin"), HeaderField("X-Content-Type-Options", "nosniff"),
        HeaderField("Cross-Origin-Resource-Policy", "same-origin"),
    ]
}
