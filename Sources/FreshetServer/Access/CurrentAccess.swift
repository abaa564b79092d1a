import Locks

/// The rules about who may, as they are now: one policy, which a reload replaces as a whole. Shared by all event loops,
/// behind a lock.
@available(freshet 0.1, *)
package final class CurrentAccess: Sendable {
    private let current: Mutex<AccessPolicy>

    package init(_ policy: AccessPolicy) {
        current = Mutex(policy)
    }

    package var policy: AccessPolicy { current.withLock(\.self) }

    /// Holds for every request that comes from now on.
    package func replace(with policy: AccessPolicy) { current.withLock { $0 = policy } }
}

@available(freshet 0.1, *)
extension CurrentAccess: Authenticator {
    package func authenticate(_ request: RouteRequest, _ facts: RequestFacts, now: Int64) -> Authentication {
        policy.authenticate(request, facts, now: now)
    }

    package func renewed(_ admission: Admission) -> Admission? { policy.renewed(admission) }
}
