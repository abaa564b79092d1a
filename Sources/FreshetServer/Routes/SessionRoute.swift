import StreamHTTP

/// `POST /v1/session`: a cookie for a key, so that a page can read with an `EventSource`, which sets no header.
package struct SessionRoute: Sendable {
    private let lifetimeSeconds: Int64
    private let isAlwaysSecure: Bool

    package init(lifetimeSeconds: Int64, isAlwaysSecure: Bool) {
        self.lifetimeSeconds = lifetimeSeconds
        self.isAlwaysSecure = isAlwaysSecure
    }

    /// - Parameter keys: those of this moment.
    func plan(_ request: RouteRequest, _ facts: RequestFacts, keys: KeyRing, now: Int64) -> RequestPlan {
        guard let authorization = facts.authorization, let token = BearerToken(authorization: authorization) else {
            // Known by something else, which a cookie cannot stand for.
            return .respond(Response(.noKey()))
        }
        let cookie = SessionCookie.issue(
            for: token.text,
            ring: keys,
            now: now,
            lifetime: lifetimeSeconds,
            secure: isAlwaysSecure || facts.isHTTPS
        )
        if request.caller?.admission.credential == .token { return .respond(Response(.noSessionForToken())) }
        guard let cookie else { return .respond(Response(.wrongKey())) }
        return .respond(Response(204, headers: [HeaderField("Set-Cookie", cookie), StreamFields.noStore]))
    }
}
