import ProbeProtocol
import StreamHTTP
import TextCodecs

/// Who may use the probe.
@available(freshet 0.1, *)
package enum ProbeAccess: Sendable {
    /// Nobody: it is off.
    case nobody
    /// Everybody who reaches the server, which serves them everything else too.
    case everybody
    /// Whoever has a token that one of these keys signed. They are SHA-256 of bearer keys.
    case tokens([[UInt8]])
    /// Whoever has a token that one of the keys of this moment signed.
    case keys(CurrentAccess)

    /// As a server of this configuration has it.
    ///
    /// - Parameter hasGate: whether a program decides who may. Without keys nobody else is let in then, and there is
    ///   nothing that could sign a token.
    init(_ configuration: ServerConfiguration, access: CurrentAccess, hasGate: Bool) {
        let hasKeys = access.policy.keys != nil
        guard configuration.probe ?? configuration.isLoopback, hasKeys || !hasGate else {
            self = .nobody
            return
        }
        self = hasKeys ? .keys(access) : .everybody
    }

    /// Nil where the request may probe, else why not.
    ///
    /// - Parameter now: Seconds since 1970.
    func refusal(token: String?, now: Int64) -> ProbeRefusal? {
        switch self {
        case .nobody: return .off
        case .everybody: return nil
        case .tokens(let digests): return Self.refusal(token, digests, now)
        case .keys(let access):
            return Self.refusal(token, (access.policy.keys?.keys ?? []).map(\.digest), now)
        }
    }

    private static func refusal(_ token: String?, _ digests: [[UInt8]], _ now: Int64) -> ProbeRefusal? {
        guard let token else { return .noToken }
        return ProbeToken.verify(token, keyDigests: digests, now: now) ? nil : .wrongToken
    }
}

@available(freshet 0.1, *)
extension ProbeAccess: Authenticator {
    static func covers(_ path: String) -> Bool {
        // Every request comes here, and hardly one is a probe's.
        path.begins(withBytesOf: ProbePaths.stream) && paths.contains(path)
    }

    private static var paths: [String] {
        [ProbePaths.stream, ProbePaths.time, ProbePaths.status, ProbePaths.upload]
    }

    /// The probe has credentials of its own, and they are good for nothing else.
    package func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
        guard Self.covers(request.target.rawPath) else { return .undecided }
        if let refusal = refusal(token: request.head.headers.first(name: ProbePaths.tokenField), now: now) {
            return .refused(.probe(refusal))
        }
        return .admitted(Admission(caller: Caller(name: "probe", grants: []), credential: .probe))
    }
}

/// Why a request may not probe.
@available(freshet 0.1, *)
enum ProbeRefusal: Sendable, Equatable {
    case off, noToken, wrongToken
}
