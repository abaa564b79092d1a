import Locks
import StreamCore

/// What this node knows of the outbox of all nodes, and whether it is the one that tells.
@available(freshet 0.1, *)
final class OutboxStanding: Sendable {
    private struct State {
        var usage = OutboxUsage()
        /// Told of every entry while this node is the one that tells.
        var listener: (@Sendable ([OutboxEntry]) -> Void)?
        var leads: Leading = .unknown
        /// The connection over which the rows were read, and the last number that the listener was told.
        var connection: UInt64?
        var last: Int64 = 0
    }

    private enum Leading: Equatable {
        /// Nobody has looked yet.
        case unknown
        case this(session: UInt64)
        case another
    }

    let rules: OutboxRules
    private let state = Mutex(State())

    init(_ rules: OutboxRules) {
        self.rules = rules
    }

    var usage: OutboxUsage { state.withLock(\.usage) }

    /// Whether this node has anybody who tells.
    var isFollowed: Bool { state.withLock { $0.listener != nil } }

    /// Whether this node tells, as it last heard, by this session.
    func leads(as session: UInt64) -> Bool { state.withLock { $0.leads == .this(session: session) } }

    /// Whether this node tells, or has yet to ask who does.
    func mayLead(as session: UInt64) -> Bool {
        state.withLock { state in
            state.listener != nil && (state.leads == .unknown || state.leads == .this(session: session))
        }
    }

    func follow(_ listener: @escaping @Sendable ([OutboxEntry]) -> Void) {
        state.withLock { $0.listener = listener }
    }

    /// Nobody here tells any more. Returns whether this node was the one that did.
    func unfollow(as session: UInt64) -> Bool {
        state.withLock { state in
            defer { (state.listener, state.leads) = (nil, .unknown) }
            return state.leads == .this(session: session)
        }
    }

    /// Notes who tells. One that begins to tell reads everything there is.
    func note(isLeading: Bool, as session: UInt64) {
        state.withLock { state in
            let new = isLeading ? Leading.this(session: session) : .another
            if state.leads != new { (state.leads, state.last) = (new, 0) }
        }
    }

    /// After which number to read on over a connection. What another master has is read as a whole.
    func last(over connection: UInt64?) -> Int64 {
        state.withLock { state in
            if state.connection != connection { (state.connection, state.last) = (connection, 0) }
            return state.last
        }
    }

    /// Tells of entries in the order of their numbers, each once, whoever else has read them too.
    ///
    /// - Parameter last: the last number that was read.
    func tell(_ entries: [OutboxEntry], through last: Int64, over connection: UInt64?, as session: UInt64) {
        state.withLock { state in
            guard state.connection == connection, state.leads == .this(session: session), last > state.last else {
                return
            }
            let new = entries.filter { $0.number > state.last }
            state.last = last
            if !new.isEmpty { state.listener?(new) }
        }
    }

    /// Tells of entries that somebody wants told now.
    func tellAgain(_ entries: [OutboxEntry]) {
        state.withLock { state in if !entries.isEmpty { state.listener?(entries) } }
    }

    /// What all entries come to, as Redis says.
    func came(to entries: Int, bytes: Int, failed: Int) {
        state.withLock { state in
            (state.usage.entries, state.usage.bytes, state.usage.failed) = (entries, bytes, failed)
        }
    }

    /// This node has listed one without its content.
    func omitted(_ reason: OutboxEntry.Omission) {
        state.withLock { $0.usage.omitted[reason, default: 0] += 1 }
    }
}
