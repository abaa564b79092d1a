import Locks
package import StreamCore

/// One node's view of a memory store that several share.
@available(freshet 0.1, *)
package final class SharedMemoryNode: SharedStreamStore {
    package enum Operation: Hashable, Sendable {
        case create, append, read, info, claim, followers
    }

    private struct Hook: Sendable {
        var operation: Operation
        var isAfter = false
        var prefix: String
        var run: @Sendable () async -> Void
    }

    private struct State {
        var session: UInt64
        var claims: UInt64 = 0
        var isAway = false
        var losesResponse = false
        var isDeaf = false
        var isHoldingNews = false
        var news: [(tap: SharedMemoryTap, signal: StreamSignal)] = []
        var taps: [StreamName: [ObjectIdentifier: SharedMemoryTap]] = [:]
        var hooks: [Hook] = []
        /// What it says of itself, and since when.
        var report: (report: NodeReport, since: Duration)?
        /// What could not be released while the store was away.
        var releases: [(StreamClaim, StreamName, isTorn: Bool)] = []
    }

    private let memory: SharedMemory
    private let number: Int
    private let state: Mutex<State>

    init(of memory: SharedMemory, number: Int, session: UInt64) {
        self.memory = memory
        self.number = number
        state = Mutex(State(session: session))
    }

    // MARK: What a test does to it

    /// From now on what other nodes do is not told here.
    package func holdNews() { state.withLock { $0.isHoldingNews = true } }

    /// What was not told is told now, in its order.
    package func letNewsIn() {
        let told = state.withLock { state in
            state.isHoldingNews = false
            defer { state.news = [] }
            for (tap, signal) in state.news { tap.watcher.signal(signal) }
            return state.news
        }
        for (tap, _) in told { tap.wake() }
    }

    /// What happens in the store is told to nobody here.
    package func deafen() { change(.broken) { $0.isDeaf = true } }

    /// It is again. What was not told is lost.
    package func hear() { change(.ready) { $0.isDeaf = false } }

    private func change(_ signal: StreamSignal, _ body: (inout State) -> Void) {
        let taps = state.withLock { state in
            body(&state)
            let taps = state.taps.values.flatMap(\.values)
            for tap in taps { tap.watcher.signal(signal) }
            return taps
        }
        for tap in taps { tap.wake() }
    }

    /// The store can neither be reached nor heard from here.
    package func goAway() {
        state.withLock { $0.isAway = true }
        deafen()
    }

    /// It can be reached and heard again.
    package func comeBack() async {
        let releases = state.withLock { state in
            state.isAway = false
            defer { state.releases = [] }
            return state.releases
        }
        hear()
        for (claim, name, isTorn) in releases { await release(claim, of: name, isTorn: isTorn) }
    }

    /// The next append is kept, and nobody here learns that it was.
    package func loseNextResponse() { state.withLock { $0.losesResponse = true } }

    /// Runs something before the next such operation on a stream whose name begins so, once.
    package func before(
        _ operation: Operation,
        of prefix: String = "",
        _ run: @escaping @Sendable () async -> Void
    ) {
        state.withLock { $0.hooks.append(Hook(operation: operation, prefix: prefix, run: run)) }
    }

    /// The same when the store has done it, before it is known here.
    package func after(_ operation: Operation, of prefix: String = "", _ run: @escaping @Sendable () async -> Void) {
        state.withLock { $0.hooks.append(Hook(operation: operation, isAfter: true, prefix: prefix, run: run)) }
    }

    /// Whether everything that was to be run before or after something was begun.
    package var hasRunHooks: Bool { state.withLock(\.hooks.isEmpty) }

    /// It is found dead.
    package func bury() async throws { try await memory.bury(self) }

    // MARK: Sessions

    var session: UInt64 { state.withLock(\.session) }

    func begin(_ session: UInt64) {
        state.withLock { state in
            state.session = session
            state.report = nil
        }
    }

    private func newClaim() -> StreamClaim {
        state.withLock { state in
            state.claims += 1
            return StreamClaim(session: state.session, number: state.claims)
        }
    }

    private func reach() throws(StoreError) {
        if state.withLock(\.isAway) { throw .unavailable("The store is away.") }
    }

    private func pass(_ operation: Operation, _ name: StreamName) async throws(StoreError) {
        await run(operation, name, isAfter: false)
        try reach()
    }

    private func run(_ operation: Operation, _ name: StreamName, isAfter: Bool) async {
        let hook = state.withLock { state -> Hook? in
            let index = state.hooks.firstIndex {
                $0.operation == operation && $0.isAfter == isAfter && name.text.hasPrefix($0.prefix)
            }
            return index.map { state.hooks.remove(at: $0) }
        }
        await hook?.run()
    }

    // MARK: Claims

    package func claim(_ name: StreamName, _ request: ClaimRequest) async throws(StoreError) -> ClaimOutcome {
        try await pass(.claim, name)
        let outcome = try await memory.step(of: self) { () throws(StoreError) -> ClaimOutcome in
            guard let info = try await memory.base.info(name), info.birth == request.birth, var held = memory[name]
            else {
                return .notFound
            }
            if let end = info.end { return .ended(end) }
            let claim = newClaim()
            let older = request.label.flatMap { held.labels[$0] }
            if let older { held.claims[older] = nil }
            if let label = request.label { held.labels[label] = claim }
            held.claims[claim] = request
            held.touched = memory.time.monotonic()
            if let lease = request.leaseSeconds {
                held.lease = lease
                _ = try await memory.base.setLease(name, seconds: lease)
            }
            memory[name] = held
            if let older { memory.tellSuperseded(older, name) }
            return .claimed(claim)
        }
        await run(.claim, name, isAfter: true)
        return outcome
    }

    package func release(_ claim: StreamClaim, of name: StreamName, isTorn: Bool) async {
        let isAway = state.withLock { state in
            if state.isAway { state.releases.append((claim, name, isTorn)) }
            return state.isAway
        }
        guard !isAway else { return }
        try? await memory.step(of: self) { () throws(StoreError) in
            try await memory.release(claim, of: name, isTorn: isTorn)
        }
    }

    package func sweep() async throws(StoreError) {
        try reach()
        try await memory.step(of: self) { () throws(StoreError) in try await memory.sweep() }
    }

    package func isFollowedElsewhere(_ name: StreamName) async throws(StoreError) -> Bool {
        try await pass(.followers, name)
        return memory.nodes.contains { $0 !== self && $0.isFollowing(name) }
    }

    private func isFollowing(_ name: StreamName) -> Bool { state.withLock { $0.taps[name] != nil } }

    package func holdings(of names: [StreamName]) async throws(StoreError) -> [StreamHolding?] {
        try reach()
        return names.map { name in
            memory[name].map { held in
                StreamHolding(
                    openProducers: held.claims.count,
                    writers: memory.nodes.filter { node in held.claims.keys.contains { $0.session == node.session } }
                        .map { "node-\($0.number)" },
                    leaseRemaining: memory.leaseRemaining(held).map { max(.zero, $0) },
                    expiresIn: memory.expiresIn(held).map { max(.zero, $0) }
                )
            }
        }
    }

    package func report(_ report: NodeReport?) {
        let now = memory.time.monotonic()
        state.withLock { state in state.report = report.map { ($0, now) } }
    }

    package func livingNodes() async throws(StoreError) -> [LivingNode] {
        try reach()
        return memory.nodes.compactMap { $0.living(asked: self) }
    }

    private func living(asked: SharedMemoryNode) -> LivingNode? {
        let now = memory.time.monotonic()
        return state.withLock { state in
            state.report.map { report, since in
                LivingNode(session: "\(state.session)", isSelf: self === asked, report: report, age: now - since)
            }
        }
    }

    // MARK: As every store

    package var usage: StoreUsage { memory.base.usage }

    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await pass(.create, name)
        return try await memory.step(of: self) { () throws(StoreError) in
            let outcome = try await memory.base.create(name, request)
            guard case .created(let info) = outcome else { return outcome }
            memory.begin(info)
            if let source = request.fork?.source { memory.use(source, byProducer: false) }
            return outcome
        }
    }

    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await pass(.append, name)
        let outcome = try await memory.step(of: self) { () throws(StoreError) -> AppendOutcome in
            if let claim = request.claim, let info = try await memory.base.info(name), info.end == nil,
                request.birth.map({ $0 == info.birth }) ?? true, memory[name]?.claims[claim] == nil
            {
                return .superseded
            }
            let outcome = try await memory.base.append(name, request)
            switch outcome {
            case .appended(_, let end, _): memory.use(name, byProducer: true, ends: end != nil)
            case .duplicate: memory.use(name, byProducer: true)
            default: break
            }
            return outcome
        }
        guard !request.isWithheld else { return outcome }
        let isLost = state.withLock { state in
            defer { state.losesResponse = false }
            return state.losesResponse
        }
        if isLost { throw .outcomeUnknown("The connection to the store was lost.") }
        return outcome
    }

    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend {
        Task {
            do throws(StoreError) {
                told(.success(try await append(name, request)))
            } catch {
                told(.failure(error))
            }
        }
        return .waiting
    }

    package func read(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit
    ) async throws(StoreError) -> Page? {
        try await pass(.read, name)
        memory.use(name, byProducer: false)
        return try await memory.base.read(name, from: position, limit: limit)
    }

    package func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        try await pass(.info, name)
        return try await memory.base.info(name)
    }

    package func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        try reach()
        return try await memory.step(of: self) { () throws(StoreError) in
            guard try await memory.base.setLease(name, seconds: seconds), var held = memory[name] else { return false }
            held.lease = seconds
            held.leaseStart = memory.time.monotonic()
            memory[name] = held
            return true
        }
    }

    package func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
        try reach()
        return try await memory.step(of: self) { () throws(StoreError) in
            let birth = try await memory.base.remove(name, because: removal, born: born)
            if birth != nil { memory[name] = nil }
            return birth
        }
    }

    package func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        try reach()
        return try await memory.base.isSoftDeleted(name)
    }

    package func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try reach()
        return try await memory.base.list(names, after: after, limit: limit)
    }

    package func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        try reach()
        try await memory.step(of: self) { () throws(StoreError) in
            try await memory.base.takeEnded(olderThan: age, toFit: bytes)
        }
    }

    package func touch(_ name: StreamName) { memory.use(name, byProducer: false) }

    package func hold(_ name: StreamName, for duration: Duration) { memory.hold(name, for: duration) }

    // MARK: Watching

    package func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        let tap = SharedMemoryTap(watcher, at: self)
        state.withLock { $0.taps[name, default: [:]][ObjectIdentifier(watcher)] = tap }
        memory.base.watch(name, tap)
    }

    package func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) {
        let tap = state.withLock { state in
            let tap = state.taps[name]?.removeValue(forKey: ObjectIdentifier(watcher))
            if state.taps[name]?.isEmpty == true { state.taps[name] = nil }
            return tap
        }
        if let tap { memory.base.unwatch(name, tap) }
    }

    func tell(_ signal: StreamSignal, of name: StreamName) {
        let taps = state.withLock { $0.taps[name].map { Array($0.values) } ?? [] }
        for tap in taps {
            tap.signal(signal)
            tap.wake()
        }
    }

    func pass(_ signal: StreamSignal, to tap: SharedMemoryTap) {
        let isOwn = memory.isActing(self)
        state.withLock { state in
            if state.isDeaf { return }
            if state.isHoldingNews, !isOwn {
                state.news.append((tap, signal))
            } else {
                tap.watcher.signal(signal)
            }
        }
    }
}
