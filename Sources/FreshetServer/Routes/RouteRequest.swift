package import StreamCore
package import StreamHTTP

/// A request as the routes see it.
@available(freshet 0.1, *)
package struct RouteRequest: Sendable {
    package var head: RequestHead
    package var target: RequestTarget
    package var facts: ConnectionFacts
    /// What the head says about who sent it and from where.
    package let origin: RequestFacts
    /// Where clients reach the server, where that was set.
    package var publicURL: PublicURL?
    /// Who sends it, once that is known; nil for what needs no key.
    package var caller: RouteCaller?

    package init(
        head: RequestHead,
        target: RequestTarget,
        facts: ConnectionFacts,
        publicURL: PublicURL? = nil
    ) {
        self.head = head
        self.target = target
        self.facts = facts
        self.origin = RequestFacts(head)
        self.publicURL = publicURL
    }

    package var headers: StreamHeaders { StreamHeaders(head.headers) }

    /// Whether the head says that a body follows.
    package var hasBody: Bool { head.body != .none }

    /// The URL of the server as the client knows it: what was set, or the scheme and authority that the client used, as
    /// far as they can be known.
    package var baseURL: String {
        if let publicURL { return publicURL.text }
        return "\(origin.isHTTPS ? "https" : "http")://\(head.authority ?? "localhost")"
    }

    /// The path that its clients have to put before a path of the server; empty for most.
    package var basePath: String { publicURL?.path ?? "" }
}

/// Who sends a request, and what that allows.
@available(freshet 0.1, *)
package struct RouteCaller: Sendable {
    package var access: AccessPolicy
    package var admission: Admission
    /// What it may do next to others; nil where it is not counted.
    package let quotas: CallerQuotas?
    /// Who found out who it is, and is asked again.
    private let who: AuthenticatorChain
    /// How that is done by what decides each time anew; nil where nothing does.
    private let asking: Asking?

    package init(
        access: AccessPolicy,
        admission: Admission,
        who: AuthenticatorChain,
        quotas: CallerQuotas? = nil,
        asking: Asking? = nil
    ) {
        self.access = access
        self.admission = admission
        self.who = who
        self.quotas = quotas
        self.asking = asking
    }

    /// What a request that stays open rests on; nil for what nothing can end.
    package func grant(_ right: Rights, _ name: String) -> (any AccessGrant)? {
        switch admission.credential {
        case .none, .probe, .preflight: return nil
        case .bearer, .cookie, .program, .token: return HeldRight(right, name, of: admission, by: who, asking)
        }
    }

    /// Counts an open producer until what is returned is let go of; nil where producers are not counted.
    package func openProducer() throws(Problem) -> (any AnyObject & Sendable)? { try quotas?.openProducer() }

    /// The refusal when a right is missing.
    package func refusal(_ right: Rights, _ name: String) -> Problem? {
        access.authorise(admission, right, stream: name)
    }
}

/// Routes beside Freshet's own.
@available(freshet 0.1, *)
package protocol RouteGroup: Sendable {
    /// Whether a request needs no key: pages, their style sheets and scripts.
    func isPublic(_ request: RouteRequest) -> Bool
    /// A key that requests to these routes may show elsewhere than in `Authorization`; it counts instead of that.
    func shownKey(_ request: RouteRequest) -> String?
    /// Whether a request only stops something, which no quota refuses.
    func frees(_ request: RouteRequest) -> Bool
    /// How the request is answered; nil when it is not for these routes.
    func plan(_ request: RouteRequest) -> RequestPlan?
    /// A problem as the clients of these routes read it; nil where the request is not for these routes, or where they
    /// read a problem as it is.
    func response(telling problem: Problem, in response: Response, to target: RequestTarget, _ head: RequestHead)
        -> Response?
    /// The template of the path of a request to these routes, as traces name it: without what clients choose. Nil where
    /// the request is not for these routes.
    func route(of target: RequestTarget, _ head: RequestHead) -> String?
    /// What these routes measured of a stream.
    func figures(of stream: StreamName) async -> StreamFigures?
    /// Whether these routes alone write a stream: others read it, cancel it and delete it.
    func writes(_ stream: StreamName) -> Bool
    /// The store is there and nothing is served yet.
    func prepare() async throws
    /// Something goes on that a server which goes away should wait for, beside its connections.
    var isBusy: Bool { get }
    /// The server goes: what has not come to its end is brought to one.
    func conclude() async
    /// The server is gone: what these routes hold is let go.
    func stop() async
}

@available(freshet 0.1, *)
extension RouteGroup {
    package func shownKey(_ request: RouteRequest) -> String? { nil }
    package func frees(_ request: RouteRequest) -> Bool { false }
    package func response(
        telling problem: Problem,
        in response: Response,
        to target: RequestTarget,
        _ head: RequestHead
    ) -> Response? { nil }
    package func route(of target: RequestTarget, _ head: RequestHead) -> String? { nil }
    package func figures(of stream: StreamName) async -> StreamFigures? { nil }
    package func writes(_ stream: StreamName) -> Bool { false }
    package func prepare() async throws {}
    package var isBusy: Bool { false }
    package func conclude() async {}
    package func stop() async {}
}

@available(freshet 0.1, *)
extension RequestFacts {
    package init(_ head: RequestHead) {
        let cookies = head.headers["Cookie"]
        self.init(
            method: head.method.rawValue,
            host: head.authority,
            origin: head.headers.first(name: "Origin"),
            secFetchSite: head.headers.first(name: "Sec-Fetch-Site"),
            authorization: head.headers.first(name: "Authorization"),
            cookie: cookies.isEmpty ? nil : cookies.joined(separator: "; "),
            forwardedProto: head.headers.first(name: "X-Forwarded-Proto"),
            isSecure: head.isSecure
        )
    }
}
