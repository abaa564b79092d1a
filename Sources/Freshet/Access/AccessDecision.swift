package import FreshetServer
package import StreamHTTP

#if canImport(FoundationEssentials)
public import FoundationEssentials
#else
public import Foundation
#endif

/// Who sent a request, and what they may do: what your `authorise` closure returns.
///
/// ```swift
/// let server = try EmbeddedServer(authorise: { request in
///     guard let user = await sessions.user(request.cookie("session")) else { return .refuse }
///     return .allow(user.name, [.init(.read, on: ["answers/\(user.name)/"])])
/// })
/// ```
@available(freshet 0.1, *)
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
        /// - Parameter until: the second since 1970.
        case allow(Caller, until: Int64?)
        case refuse
        case undecided
    }

    private let kind: Kind

    /// Somebody known.
    ///
    /// - Parameters:
    ///   - name: how responses and logs refer to the sender. Not a secret.
    ///   - grants: what the sender may do. Anything else is refused with 403, and the response names the missing right.
    ///   - until: when that ends, such as the end of a login; nil for no end. A fraction of a second is dropped. A request
    ///     that is open then is ended: a read as Server-Sent Events or NDJSON is told `reconnect` with `expired`, a
    ///     long-poll and `live=sse` end at their next boundary, and a streaming append is 401 with what is stored of it.
    ///     With a time that has passed the request is 401. ``EmbeddedServer/authoriseAgain()`` ends it earlier, or extends it.
    public static func allow(_ name: String, _ grants: [Grant], until: Date? = nil) -> AccessDecision {
        let grants = grants.map { grant in
            Caller.Grant(grant.rights.core, grant.prefixes.map { .beginning(with: $0) })
        }
        return AccessDecision(kind: .allow(Caller(name: name, grants: grants), until: until.map(second(of:))))
    }

    private static func second(of date: Date) -> Int64 {
        let seconds = date.timeIntervalSince1970.rounded(.down)
        // What is no number is no time at which anything holds.
        return Int64(exactly: seconds) ?? (seconds > 0 ? .max : .min)
    }

    /// The sender may do everything with every stream, but not ``StreamRights/inspect`` it.
    public static let everybody = AccessDecision(kind: .allow(.anyone, until: nil))

    /// Nobody known: 401.
    public static let refuse = AccessDecision(kind: .refuse)

    /// Not for this code to say: the server's ``SignedTokens`` and its keys file decide. Where there are none it is as
    /// ``refuse``.
    public static let undecided = AccessDecision(kind: .undecided)

    package var verdict: Result<Admission, Problem>? {
        switch kind {
        case .allow(let caller, let until): .success(Admission(caller: caller, credential: .program, expires: until))
        case .refuse: .failure(.notKnown())
        case .undecided: nil
        }
    }
}
