import Locks
import StreamCore

/// This node as the others know it: a session that says once a second that it lives, and what it hears of theirs.
///
/// A session is found dead only by a node that has itself been connected without a break to the same Redis for as long as
/// the session was silent, on that node's monotonic clock: after an outage, everybody gets the whole time again.
@available(freshet 0.1, *)
final class NodeSession: Sendable {
    private struct Heard {
        var count: String
        var since: Duration
    }

    private struct State {
        var session = UInt64.random(in: 1 ... .max)
        /// Redis has heard of the session.
        var isKnown = false
        var claims: UInt64 = 0
        /// Since when this node has been connected without a break.
        var connected: Duration?
        /// Redis's time at or after that moment, once it was heard.
        var trustedSince: UInt64?
        /// Redis's time as it was last heard, and when that was.
        var clock: (server: UInt64, at: Duration)?
        var owned: [StreamClaim: OwnedClaim] = [:]
        /// Claims that are to be given back, and could not be yet.
        var unreleased: [StreamClaim: Bool] = [:]
        var others: [String: Heard] = [:]
        /// What is said of this node, and since when.
        var report: (report: NodeReport, since: Duration)?
    }

    /// Milliseconds by which Redis's clock and this node's differ between two beats, when nobody sets either.
    private static let mostDrift: UInt64 = 1000

    private let state = Mutex(State())
    private let time: any TimeSource
    private let silence: Duration

    init(time: any TimeSource, silence: Duration) {
        self.time = time
        self.silence = silence
    }

    func connected(_ session: RedisSession) {
        state.withLock { state in
            state.connected = time.monotonic()
            state.trustedSince = nil
            state.clock = nil
            state.others = [:]
        }
    }

    func disconnected() {
        state.withLock { state in
            state.connected = nil
            state.trustedSince = nil
            state.others = [:]
        }
    }

    var session: UInt64 { state.withLock(\.session) }

    static func text(_ session: UInt64) -> String {
        let digits = String(session, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The session, and whether this is the first that Redis hears of it.
    var beat: (session: UInt64, isFirst: Bool) { state.withLock { ($0.session, !$0.isKnown) } }

    /// What is said of this node with each beat, until something else is.
    func say(_ report: NodeReport?) {
        let now = time.monotonic()
        state.withLock { state in state.report = report.map { ($0, now) } }
    }

    /// The last that was said of this node, and how long ago.
    var report: (report: NodeReport, age: Duration)? {
        let now = time.monotonic()
        return state.withLock { state in state.report.map { ($0.report, max(.zero, now - $0.since)) } }
    }

    /// The node was found dead: it goes on as another one, and what the one before had begun is refused. Returns what that
    /// was.
    func bury(_ session: UInt64) -> [(claim: StreamClaim, name: StreamName)] {
        state.withLock { state in
            guard state.session == session else { return [] }
            state.session = UInt64.random(in: 1 ... .max)
            state.isKnown = false
            defer {
                state.owned = [:]
                state.unreleased = [:]
            }
            return state.owned.map { ($0.key, $0.value.name) }
        }
    }

    // MARK: Claims

    func newClaim(_ name: StreamName, _ request: ClaimRequest) -> StreamClaim {
        state.withLock { state in
            state.claims += 1
            let claim = StreamClaim(session: state.session, number: state.claims)
            state.owned[claim] = OwnedClaim(
                name: name,
                kind: request.kind,
                label: request.label,
                tornLeaseSeconds: request.tornLeaseSeconds
            )
            return claim
        }
    }

    /// Nil for a claim that was given back, or of a session that is over.
    func owned(_ claim: StreamClaim) -> OwnedClaim? { state.withLock { $0.owned[claim] } }

    func forget(_ claim: StreamClaim) {
        state.withLock { state in
            state.owned[claim] = nil
            state.unreleased[claim] = nil
        }
    }

    /// It is to be given back, whenever that can be done.
    func willRelease(_ claim: StreamClaim, isTorn: Bool) {
        state.withLock { state in if state.owned[claim] != nil { state.unreleased[claim] = isTorn } }
    }

    var unreleased: [(claim: StreamClaim, isTorn: Bool)] { state.withLock { $0.unreleased.map { ($0.key, $0.value) } } }

    /// What Redis's clock says if it has gone as this node's does since it was last heard; nil where it was not.
    var expectedTime: UInt64? {
        let now = time.monotonic()
        return state.withLock { state in
            state.clock.map { $0.server + UInt64(max(.zero, now - $0.at) / .milliseconds(1)) }
        }
    }

    /// Redis's time since when this node has been connected to it without a break; nil while it is not, or not yet known.
    var trustedSince: UInt64? { state.withLock(\.trustedSince) }

    /// How long this node has been connected without a break.
    var connectedFor: Duration? {
        let now = time.monotonic()
        return state.withLock { state in state.connected.map { now - $0 } }
    }

    /// Takes what all sessions have counted to, and says which of them are silent for too long, and at what count.
    func heard(_ beats: [(session: String, count: String)], at now: UInt64) -> [(session: String, count: String)] {
        let moment = time.monotonic()
        return state.withLock { state in
            state.isKnown = true
            guard let connected = state.connected else { return [] }
            let expected = state.clock.map { $0.server + UInt64(max(.zero, moment - $0.at) / .milliseconds(1)) }
            state.clock = (now, moment)
            // A clock that was set says nothing of what was before.
            let isSet = expected.map { max($0, now) - min($0, now) > Self.mostDrift } ?? false
            if state.trustedSince == nil || isSet { state.trustedSince = now }
            let own = Self.text(state.session)
            var others: [String: Heard] = [:]
            var silent: [(String, String)] = []
            for (session, count) in beats where session != own {
                var heard = Heard(count: count, since: moment)
                if let before = state.others[session], before.count == count { heard.since = before.since }
                others[session] = heard
                if moment - max(heard.since, connected) >= silence { silent.append((session, count)) }
            }
            state.others = others
            return silent
        }
    }
}
