package import FreshetServer
package import StreamHTTP

/// Who sent a request, and what they may do: what your `authorise` closure returns.
///
/// ```swift
/// let server = try EmbeddedServer(authorise: { request in
///     guard let user = await sessions.user(request.cookie("session")) else { return .refuse }
///     return .allow(user.name, [.init(.read, on: ["answers/\(user.name)/"])])
/// })
/// ```
public struct AccessDecision: Sendable {
    /// Rights on some streams.
    public struct Grant: Sendable, Hashable {
        /// What is allowed.
        public var rights: StreamRights
        /// What the names of these streams begin with. An empty text is every stream; `chat/` covers `chat/42` and not
        /// `chatter`.
        public var prefixes: [String]

        /// Rights on the streams whose names begin with one of these texts; on every stream unless they are given.
        public init(_ rights: StreamRights, on prefixes: [String] = [""]) {
            self.rights = rights
            self.prefixes = prefixes
        }
    }

    private enum Kind {
        case allow(Caller)
        case refuse
        case undecided
    }

    private let kind: Kind

    /// Somebody known.
    ///
    /// - Parameters:
    ///   - name: how responses and logs refer to the sender. Not a secret.
    ///   - grants: what the sender may do. Anything else is refused with 403, and the response names the missing right.
    public static func allow(_ name: String, _ grants: [Grant]) -> AccessDecision {
        let grants = grants.map { grant in
            Caller.Grant(grant.rights.core, grant.prefixes.map { .beginning(with: $0) })
        }
        return AccessDecision(kind: .allow(Caller(name: name, grants: grants)))
    }

    /// The sender may do everything with every stream, but not ``StreamRights/inspect`` it.
    public static let everybody = AccessDecision(kind: .allow(.anyone))

    /// Nobody known: 401.
    public static let refuse = AccessDecision(kind: .refuse)

    /// Not for this code to say: the server's ``SignedTokens`` and its keys file decide. Where there are none it is as
    /// ``refuse``.
    public static let undecided = AccessDecision(kind: .undecided)

    package var verdict: Result<Admission, Problem>? {
        switch kind {
        case .allow(let caller): .success(Admission(caller: caller, credential: .program))
        case .refuse: .failure(.notKnown())
        case .undecided: nil
        }
    }
}
