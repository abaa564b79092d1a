package import StreamHTTP

/// Who may do what: decides from what a request says, before anything of its body is read.
///
/// A class, for every request takes the policy of its moment with it: as a value that was a copy of all that it holds.
@available(freshet 0.1, *)
package final class AccessPolicy: Sendable {
    let boundToLoopback: Bool
    let hosts: Set<String>
    let allowedOrigins: Set<WebOrigin>
    let keys: KeyRing?
    let tokens: (any TokenAuthenticator)?
    let sessions: SessionSecrets
    let open: Bool

    /// - Parameters:
    ///   - boundToLoopback: Whether only this machine reaches the server. Then `Host` is checked, since a page of
    ///     another site reaches it too, through a name of its own that resolves to 127.0.0.1 (DNS rebinding).
    ///   - hosts: Names other than `localhost`, `127.0.0.1` and `[::1]` that a server on loopback answers to.
    ///   - allowedOrigins: Origins whose pages may read and write, as `scheme://host[:port]`. What is not one allows
    ///     nothing; `ServerConfiguration` refuses it before.
    ///   - keys: Without them everybody may do everything, if `boundToLoopback` or `open`; otherwise nobody anything.
    ///   - tokens: What knows the tokens of issuers. With it nobody is let in who shows nothing.
    ///   - sessions: What cookies are signed with.
    ///   - open: Whether a server without keys serves everybody who reaches it, in everything but `inspect`.
    package init(
        boundToLoopback: Bool,
        hosts: [String],
        allowedOrigins: [String],
        keys: KeyRing?,
        tokens: (any TokenAuthenticator)? = nil,
        sessions: SessionSecrets = .ofThisProcess,
        open: Bool
    ) {
        self.boundToLoopback = boundToLoopback
        self.hosts = Set((["localhost", "127.0.0.1", "[::1]"] + hosts).compactMap { Authority(parsing: $0)?.host })
        self.allowedOrigins = Set(allowedOrigins.compactMap(WebOrigin.init(parsing:)))
        self.keys = keys
        self.tokens = tokens
        self.sessions = sessions
        self.open = open
    }

    /// The rules about where a request comes from. They hold for every path, also for those that need no key.
    ///
    /// - Parameter isOnThisMachine: It came by a port that only this machine reaches, whoever reaches the others.
    package func screen(_ facts: RequestFacts, isOnThisMachine: Bool = false) -> Problem? {
        if boundToLoopback || isOnThisMachine, let host = facts.host {
            guard let name = Authority(parsing: host)?.host, hosts.contains(name) else {
                return .foreignHost(host)
            }
        }
        if facts.isSafe {
            return nil
        }
        if let origin = facts.origin {
            return isOwnOrAllowed(origin, facts) ? nil : .foreignOrigin(origin)
        }
        return facts.secFetchSite?.lowercased() == "cross-site" ? .foreignOrigin(nil) : nil
    }

    /// Who sent the request. A bearer key counts before a cookie, and a wrong one is not made good by a cookie.
    /// - Parameter now: Seconds since 1970.
    package func identify(_ facts: RequestFacts, now: Int64) -> Result<Admission, Problem> {
        if facts.method == "OPTIONS" {
            return .success(Admission(caller: Caller(name: "preflight", grants: []), credential: .preflight))
        }
        guard keys != nil || tokens != nil else {
            guard boundToLoopback || open else {
                return .failure(.noKey())
            }
            return .success(Admission(caller: boundToLoopback ? .anyoneHere : .anyone, credential: .none))
        }
        if let authorization = facts.authorization {
            guard let keys else { return .failure(.wrongToken("It is no signed token.")) }
            guard let token = BearerToken(authorization: authorization), let key = keys.key(forBearer: token.text)
            else {
                return .failure(.wrongKey())
            }
            return .success(Admission(caller: key.caller, credential: .bearer, keyDigest: key.digest))
        }
        if let cookie = facts.cookie, cookieCounts(facts), let session = session(in: cookie, now: now) {
            return .success(session)
        }
        var refusal: Problem = keys == nil ? .noToken() : .noKey(takesTokens: tokens != nil)
        if facts.isFromAnotherSite { refusal.detail += " \(Problem.sessionElsewhere)" }
        return .failure(refusal)
    }

    /// What a credential that was good once is worth by these rules; nil when its key is gone, or the secret that its
    /// cookie is signed with. A cookie names its key, and is none of a key that has another name by now. What rests on a
    /// token is for `tokens` to say.
    package func renewed(_ admission: Admission) -> Admission? {
        if let secret = admission.sessionSecret, !sessions.has(secret) { return nil }
        guard let digest = admission.keyDigest else { return admission }
        guard let key = keys?.keys.first(where: { $0.digest == digest }),
            admission.credential != .cookie || key.caller.name == admission.caller.name
        else { return nil }
        var renewed = admission
        renewed.caller = admission.narrowed.map(key.caller.narrowed) ?? key.caller
        return renewed
    }

    /// Whether a word is a secret by which this server knows somebody: a bearer key, the value of a session cookie, or
    /// a token. Nobody else may be told it.
    /// - Parameter now: Seconds since 1970.
    package func isSecret(_ word: String, now: Int64) -> Bool {
        if let tokens, tokens.isToken(word, now: now) { return true }
        if let keys, keys.caller(forBearer: word) != nil { return true }
        // Asked of thousands of words: few are of a session's form.
        guard word.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 else { return false }
        return session(in: "\(SessionCookie.name)=\(word)", now: now) != nil
    }

    /// Nil if the caller may, else the response that says which right is missing, and where.
    package func authorise(_ admission: Admission, _ right: Rights, stream: String) -> Problem? {
        if admission.caller.may(right, stream) { return nil }
        return switch admission.credential {
        case .none: .keyForInspection
        case .cookie: .missingRightOfSession(right, stream: stream, caller: admission.caller)
        case .token: .missingRightOfToken(right, stream: stream, caller: admission.caller)
        default: .missingRight(right, stream: stream, caller: admission.caller)
        }
    }

    /// A browser sends its cookies along with whatever any page asks for. A request that changes something by cookie
    /// therefore has to prove that an own or allowed page asked for it; `screen` lets through one that says nothing.
    /// Reading is left to CORS, but for what says that it comes from another site and not from which page: a cookie for
    /// pages of other sites is not for that.
    func cookieCounts(_ facts: RequestFacts) -> Bool {
        if facts.isSafe {
            return facts.secFetchSite?.lowercased() != "cross-site" || facts.origin != nil
        }
        if let origin = facts.origin {
            return isOwnOrAllowed(origin, facts)
        }
        return facts.secFetchSite?.lowercased() == "same-origin"
    }

    func isOwnOrAllowed(_ text: String, _ facts: RequestFacts) -> Bool {
        guard let origin = WebOrigin(parsing: text) else {
            return false
        }
        return allowedOrigins.contains(origin)
            || facts.host.map { origin.isOwn(host: $0, isSecure: facts.isSecure) } == true
    }
}

/// The last way: keys, their cookies, and everybody where there are no keys.
@available(freshet 0.1, *)
extension AccessPolicy: Authenticator {
    package func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
        switch identify(facts, now: now) {
        case .success(let admission): .admitted(admission)
        case .failure(let problem): .refused(problem)
        }
    }
}

@available(freshet 0.1, *)
extension Caller {
    /// Everybody, where there are no keys.
    package static let anyone = Caller(name: "anyone", grants: [Grant(.all, [.everything])])

    /// The same on a server that only this machine reaches: who reads what is no secret there.
    package static let anyoneHere = Caller(name: "anyone", grants: [Grant([.all, .inspect], [.everything])])
}
