package import StreamHTTP

/// One way to find out who sends a request.
@available(freshet 0.1, *)
package protocol Authenticator: Sendable {
    /// - Parameters:
    ///   - facts: what the request says of who sent it, on whatever fields.
    ///   - now: Seconds since 1970.
    func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication
    /// What a credential that was good is worth by the rules of now; nil when nothing any more. What is none of its own
    /// stays as it is.
    func renewed(_ admission: Admission) -> Admission?
}

@available(freshet 0.1, *)
extension Authenticator {
    package func renewed(_ admission: Admission) -> Admission? { admission }
}

/// Knows those who show a token that an issuer signed.
@available(freshet 0.1, *)
package protocol TokenAuthenticator: Authenticator {
    /// Whether a word is a token that this server takes at a time, in seconds since 1970.
    func isToken(_ word: String, now: Int64) -> Bool
    /// Whether tokens of this signer are taken still.
    func knows(_ signer: TokenSigner) -> Bool
}

/// What one way came to.
@available(freshet 0.1, *)
package enum Authentication: Sendable {
    /// Who it is, what that allows, and until when.
    case admitted(Admission)
    case refused(Problem)
    /// For the next way to say.
    case undecided
    /// It takes a while to find out.
    case later(@Sendable () async -> Authentication)
}

/// The ways to find out who asks, one after the other: the first that knows decides for every route.
@available(freshet 0.1, *)
package struct AuthenticatorChain: Sendable {
    package enum Verdict: Sendable {
        case now(Result<Admission, Problem>)
        case later(@Sendable () async -> Result<Admission, Problem>)
    }

    private let links: [any Authenticator]

    package init(_ links: [any Authenticator]) {
        self.links = links
    }

    package func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Verdict {
        verdict(from: 0, request, facts, now)
    }

    /// What a credential that was good is worth by the rules of now; nil when nothing any more.
    package func renewed(_ admission: Admission) -> Admission? {
        var admission = admission
        for link in links {
            guard let renewed = link.renewed(admission) else { return nil }
            admission = renewed
        }
        return admission
    }

    private func verdict(from first: Int, _ request: RouteRequest, _ facts: RequestFacts, _ now: Int64) -> Verdict {
        for index in links.indices[first...] {
            switch links[index].authenticate(request, facts, now: now) {
            case .admitted(let admission): return .now(.success(admission))
            case .refused(let problem): return .now(.failure(problem))
            case .undecided: continue
            case .later(let work):
                return .later { [self] in
                    var result = await work()
                    while case .later(let more) = result { result = await more() }
                    switch result {
                    case .admitted(let admission): return .success(admission)
                    case .refused(let problem): return .failure(problem)
                    case .undecided, .later: break
                    }
                    switch verdict(from: index + 1, request, facts, now) {
                    case .now(let result): return result
                    case .later(let work): return await work()
                    }
                }
            }
        }
        return .now(.failure(.noKey()))
    }
}
