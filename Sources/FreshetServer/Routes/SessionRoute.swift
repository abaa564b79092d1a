import StreamHTTP

/// `POST /v1/session`: a cookie for a key or a token, so that a page can read with an `EventSource`, which sets no
/// header.
@available(freshet 0.1, *)
package struct SessionRoute: Sendable {
    /// The longest cookie, with its name. Browsers keep 4096 bytes of name, value and attributes.
    static let mostBytes = 3584
    private static let mostBodyBytes = 64 << 10

    private let lifetimeSeconds: Int64
    private let isAlwaysSecure: Bool

    package init(lifetimeSeconds: Int64, isAlwaysSecure: Bool) {
        self.lifetimeSeconds = lifetimeSeconds
        self.isAlwaysSecure = isAlwaysSecure
    }

    /// - Parameter now: Seconds since 1970.
    func plan(_ request: RouteRequest, _ caller: RouteCaller, now: Int64) -> RequestPlan {
        guard request.hasBody else { return .respond(response(request, caller, body: [], now: now)) }
        return .collect(limit: Self.mostBodyBytes) { [self] body in
            .response(response(request, caller, body: body, now: now))
        }
    }

    private func response(_ request: RouteRequest, _ caller: RouteCaller, body: [UInt8], now: Int64) -> Response {
        do throws(Problem) {
            var wish = SessionWish()
            if !body.isEmpty {
                do throws(Refusal) {
                    wish = try SessionWish(parsing: body)
                } catch {
                    throw .badSession(error.reason)
                }
            }
            return try response(request.origin, caller, wish, isWhole: body.isEmpty, now: now)
        } catch {
            return Response(error)
        }
    }

    /// - Parameter isWhole: nothing was asked for: a key gets a session of all that it has.
    private func response(
        _ facts: RequestFacts,
        _ caller: RouteCaller,
        _ wish: SessionWish,
        isWhole: Bool,
        now: Int64
    ) throws(Problem) -> Response {
        let lifetime = min(lifetimeSeconds, wish.lifetime ?? lifetimeSeconds)
        let isSecure = isAlwaysSecure || facts.isHTTPS
        let reach = SessionReach(facts, isSecure: isSecure)
        func response(_ value: String, expires: Int64) -> Response {
            let cookie = SessionCookie.field(value, lifetime: expires - now, secure: isSecure, reach: reach)
            return Response(
                204,
                headers: [
                    HeaderField("Set-Cookie", cookie),
                    HeaderField("Freshet-Session", "\(reach.rawValue); expires=\(expires)"), StreamFields.noStore,
                ]
            )
        }
        let admission = caller.admission
        if admission.credential == .token, let signer = admission.signer {
            let expires = min(now + lifetime, admission.expires ?? .max)
            let who = try Self.narrowed(admission.caller, wish, facts, caller.access)
            let session = NarrowedSession(.token(signer), caller: who, expires: expires)
            return response(try Self.value(session, caller.access), expires: expires)
        }
        // Known by something else, which a cookie cannot stand for.
        guard let keys = caller.access.keys else { throw .noToken() }
        guard let authorization = facts.authorization, let bearer = BearerToken(authorization: authorization) else {
            throw .noKey(takesTokens: caller.access.tokens != nil)
        }
        guard let key = keys.key(forBearer: bearer.text) else { throw .wrongKey() }
        guard isWhole else {
            let who = try Self.narrowed(key.caller, wish, facts, caller.access)
            let basis = NarrowedSession.Basis.key(digest: NarrowedSession.digest(of: key))
            let session = NarrowedSession(basis, caller: who, expires: now + lifetime)
            return response(try Self.value(session, caller.access), expires: now + lifetime)
        }
        return response(SessionCookie.value(for: key, expires: now + lifetime), expires: now + lifetime)
    }

    /// What a session of somebody has: what was asked for, of reading at first.
    private static func narrowed(
        _ caller: Caller,
        _ wish: SessionWish,
        _ facts: RequestFacts,
        _ access: AccessPolicy
    ) throws(Problem) -> Caller {
        guard !wish.grants.isEmpty else {
            let reading = caller.narrowed(to: [Caller.Grant(.read, [.everything])])
            guard !reading.grants.isEmpty else { throw .nothingToRead }
            return reading
        }
        for grant in wish.grants where !caller.holds(grant.rights, on: grant.prefix) {
            throw .sessionTooWide(grant.right, grant.pattern)
        }
        // By cookie only pages of these change anything, and others have no use for it.
        guard wish.grants.allSatisfy({ $0.rights == .read }) || access.cookieCounts(facts) else {
            throw .sessionOfUnknownPage
        }
        var grants: [Caller.Grant] = []
        for grant in wish.grants {
            if let index = grants.firstIndex(where: { $0.rights == grant.rights }) {
                grants[index].prefixes.append(grant.prefix)
            } else {
                grants.append(Caller.Grant(grant.rights, [grant.prefix]))
            }
        }
        return Caller(name: caller.name, grants: grants)
    }

    private static func value(_ session: NarrowedSession, _ access: AccessPolicy) throws(Problem) -> String {
        let value = session.value(access.sessions)
        let bytes = SessionCookie.name.utf8.count + 1 + value.utf8.count
        guard bytes <= mostBytes else { throw .sessionTooLarge(bytes) }
        return value
    }
}
