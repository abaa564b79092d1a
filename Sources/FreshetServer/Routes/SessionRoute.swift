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
            return try response(request.origin, caller, wish, now: now)
        } catch {
            return Response(error)
        }
    }

    private func response(
        _ facts: RequestFacts,
        _ caller: RouteCaller,
        _ wish: SessionWish,
        now: Int64
    ) throws(Problem) -> Response {
        let isSecure = isAlwaysSecure || facts.isHTTPS
        let reach = SessionReach(facts, isSecure: isSecure)
        let session = try session(facts, caller, wish, now: now)
        let value = try Self.value(session, caller.access)
        let cookie = SessionCookie.field(value, lifetime: session.expires - now, secure: isSecure, reach: reach)
        return Response(
            204,
            headers: [
                HeaderField("Set-Cookie", cookie),
                HeaderField("Freshet-Session", "\(reach.rawValue); expires=\(session.expires)"), StreamFields.noStore,
            ]
        )
    }

    /// A session of what the request is known by: a token, or a key.
    private func session(
        _ facts: RequestFacts,
        _ caller: RouteCaller,
        _ wish: SessionWish,
        now: Int64
    ) throws(Problem) -> NarrowedSession {
        let expires = now + min(lifetimeSeconds, wish.lifetime ?? lifetimeSeconds)
        let admission = caller.admission
        if admission.credential == .token, let signer = admission.signer {
            let narrowed = try Self.narrowed(admission.caller, wish, facts, caller.access) { rights in
                admission.caller.narrowed(to: [Caller.Grant(rights, [.everything])]).grants
            }
            return NarrowedSession(.token(signer), caller: narrowed, expires: min(expires, admission.expires ?? .max))
        }
        // Known by something else, which a cookie cannot stand for.
        guard let keys = caller.access.keys else { throw .noToken() }
        guard let authorization = facts.authorization, let bearer = BearerToken(authorization: authorization) else {
            throw .noKey(takesTokens: caller.access.tokens != nil)
        }
        guard let key = keys.key(forBearer: bearer.text) else { throw .wrongKey() }
        let narrowed = try Self.narrowed(key.caller, wish, facts, caller.access) { rights in
            // Never more than the key has when it is shown: its names need not be in the cookie.
            [Caller.Grant(rights, [.everything])]
        }
        return NarrowedSession(.key(digest: NarrowedSession.digest(of: key)), caller: narrowed, expires: expires)
    }

    /// What a session of somebody has: what was asked for, or reading.
    ///
    /// - Parameter everywhere: rights on all names on which the caller has them.
    private static func narrowed(
        _ caller: Caller,
        _ wish: SessionWish,
        _ facts: RequestFacts,
        _ access: AccessPolicy,
        everywhere: (Rights) -> [Caller.Grant]
    ) throws(Problem) -> Caller {
        let rights = wish.rightsEverywhere
        for grant in wish.grants where !caller.holds(grant.rights, on: grant.prefix) {
            throw .sessionTooWide(grant.right, grant.pattern)
        }
        guard !wish.grants.isEmpty || caller.holdsAny(of: rights) else { throw .nothingForSession(rights) }
        // By cookie only pages of these change anything, and others have no use for it.
        let isForReading = rights.isSubset(of: .read) && wish.grants.allSatisfy { $0.rights == .read }
        guard isForReading || access.cookieCounts(facts) else { throw .sessionOfUnknownPage }
        var grants = rights.isEmpty ? [] : everywhere(rights)
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
