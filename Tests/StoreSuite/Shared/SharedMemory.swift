import Locks
package import StreamCore

/// A memory store that several nodes of a test share, each through a `SharedMemoryNode` of its own: what the nodes know
/// of each other, and what the store does for all of them, without a network.
///
/// One step is done at a time. Time is the test's.
@available(freshet 0.1, *)
package final class SharedMemory: Sendable {
    struct Held {
        var birth: Offset
        var lease: Int?
        var leaseStart: Duration
        var expiry: StreamOptions.Expiry?
        var touched: Duration
        var heldUntil: Duration = .zero
        var hasEnded: Bool
        var claims: [StreamClaim: ClaimRequest] = [:]
        var labels: [String: StreamClaim] = [:]
    }

    private struct State {
        var held: [StreamName: Held] = [:]
        var nodes: [SharedMemoryNode] = []
        var sessions: UInt64 = 0
        /// The node whose step it is.
        var acting: SharedMemoryNode?
    }

    let base: MemoryStreamStore
    let time: ManualTime
    private let state = Mutex(State())
    private let turnstile = StepGate()

    package init(limits: StoreLimits = StoreLimits(), time: ManualTime = ManualTime()) {
        self.time = time
        base = MemoryStreamStore(limits: limits, time: time)
    }

    /// Another node.
    package func node() -> SharedMemoryNode {
        let session = newSession()
        return state.withLock { state in
            let node = SharedMemoryNode(of: self, number: state.nodes.count, session: session)
            state.nodes.append(node)
            return node
        }
    }

    func newSession() -> UInt64 {
        state.withLock { state in
            state.sessions += 1
            return state.sessions
        }
    }

    var nodes: [SharedMemoryNode] { state.withLock(\.nodes) }

    /// One step in the store: nobody else's comes in between.
    func step<Value: Sendable>(
        of node: SharedMemoryNode?,
        _ body: () async throws(StoreError) -> Value
    ) async throws(StoreError) -> Value {
        await turnstile.enter()
        state.withLock { $0.acting = node }
        defer {
            state.withLock { $0.acting = nil }
            turnstile.leave()
        }
        return try await body()
    }

    /// Whether what happens now is a step of that node: it is told of its own before it is acknowledged.
    func isActing(_ node: SharedMemoryNode) -> Bool { state.withLock { $0.acting === node } }

    /// The node is found dead: its claims are released as torn, and it has another session from then on.
    package func bury(_ node: SharedMemoryNode) async throws {
        try await step(of: nil) { () throws(StoreError) in
            let session = node.session
            for name in names {
                for claim in self[name]?.claims.keys.filter({ $0.session == session }) ?? [] {
                    try await release(claim, of: name, isTorn: true)
                    tellSuperseded(claim, name)
                }
            }
            node.begin(newSession())
        }
    }

    // MARK: What is remembered of a stream. All within a step.

    subscript(name: StreamName) -> Held? {
        get { state.withLock { $0.held[name] } }
        set { state.withLock { $0.held[name] = newValue } }
    }

    var names: [StreamName] { state.withLock { Array($0.held.keys) } }

    func begin(_ info: StreamInfo) {
        self[info.name] = Held(
            birth: info.birth,
            lease: info.options.leaseSeconds,
            leaseStart: time.monotonic(),
            expiry: info.options.expiry,
            touched: time.monotonic(),
            hasEnded: info.end != nil
        )
    }

    /// The stream is used; the lease starts again where it was its producer who did.
    func use(_ name: StreamName, byProducer: Bool, ends: Bool = false) {
        let now = time.monotonic()
        state.withLock { state in
            state.held[name]?.touched = now
            if byProducer { state.held[name]?.leaseStart = now }
            if ends { state.held[name]?.hasEnded = true }
        }
    }

    func leaseRemaining(_ held: Held) -> Duration? {
        guard held.claims.isEmpty, !held.hasEnded, let lease = held.lease else { return nil }
        return held.leaseStart + .seconds(lease) - time.monotonic()
    }

    func expiresIn(_ held: Held) -> Duration? {
        guard held.claims.isEmpty, let expiry = held.expiry else { return nil }
        let now = time.monotonic()
        let left: Duration =
            switch expiry {
            case .idle(let seconds): held.touched + .seconds(seconds) - now
            case .at(let moment): .milliseconds(moment) - .milliseconds(time.wallMilliseconds())
            }
        return max(left, held.heldUntil - now)
    }

    func hold(_ name: StreamName, for duration: Duration) {
        let now = time.monotonic()
        state.withLock { state in
            guard let held = state.held[name] else { return }
            state.held[name]?.touched = now
            state.held[name]?.heldUntil = max(held.heldUntil, now + duration)
        }
    }

    func tellSuperseded(_ claim: StreamClaim, _ name: StreamName) {
        for node in nodes { node.tell(.superseded(claim), of: name) }
    }

    func release(_ claim: StreamClaim, of name: StreamName, isTorn: Bool) async throws(StoreError) {
        guard var held = self[name], let request = held.claims.removeValue(forKey: claim) else { return }
        if let label = request.label, held.labels[label] == claim { held.labels[label] = nil }
        held.touched = time.monotonic()
        if isTorn, request.kind == .streamingAppend, request.tornLeaseSeconds > 0, !held.hasEnded {
            held.lease = held.lease ?? request.tornLeaseSeconds
        }
        if held.claims.isEmpty { held.leaseStart = held.touched }
        self[name] = held
        if let lease = held.lease { _ = try await base.setLease(name, seconds: lease) }
        guard request.kind == .answer, !held.hasEnded else { return }
        _ = try await base.append(name, AppendRequest(to: held.birth, end: StreamClaim.interruption))
        use(name, byProducer: true, ends: true)
    }

    func sweep() async throws(StoreError) {
        for name in names {
            guard let held = self[name] else { continue }
            if let left = expiresIn(held), left <= .zero {
                _ = try await base.remove(name, because: .expired, born: held.birth)
                self[name] = nil
            } else if let left = leaseRemaining(held), left <= .zero, let lease = held.lease {
                let end = EndRequest(.abandoned, detail: "The producer was silent for \(lease) s.")
                _ = try await base.append(name, AppendRequest(to: held.birth, end: end))
                // Which is no use of it.
                state.withLock { $0.held[name]?.hasEnded = true }
            }
        }
        try await base.trimByAge()
    }
}
