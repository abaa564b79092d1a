import Locks
import StreamCore

/// A store that fails or holds what a test says, and otherwise does what the one within does.
final class ScriptedStore: StreamStore {
    enum Operation: Hashable {
        case create, append, remove, setLease
    }

    private struct State {
        var failing: Set<Operation> = []
        var holding: [Operation: Gate] = [:]
        var holdingResponse: [Operation: Gate] = [:]
        var watching: Set<ObjectIdentifier> = []
        var beforeWatch: (@Sendable () -> Void)?
    }

    let base: any StreamStore
    private let state = Mutex(State())

    init(_ base: any StreamStore) {
        self.base = base
    }

    func fail(_ operation: Operation, _ isFailing: Bool = true) {
        state.withLock { state in
            if isFailing { state.failing.insert(operation) } else { state.failing.remove(operation) }
        }
    }

    /// The next such operation waits at the gate before it reaches the store.
    func hold(_ operation: Operation) -> Gate {
        let gate = Gate()
        state.withLock { $0.holding[operation] = gate }
        return gate
    }

    /// The answer to the next such operation waits at the gate, when the store has done it.
    func holdResponse(_ operation: Operation) -> Gate {
        let gate = Gate()
        state.withLock { $0.holdingResponse[operation] = gate }
        return gate
    }

    /// Watches that are open.
    var watches: Int { state.withLock(\.watching.count) }

    /// What happens just before the next watch reaches the store.
    func beforeWatch(_ action: @escaping @Sendable () -> Void) { state.withLock { $0.beforeWatch = action } }

    private func pass(_ operation: Operation) async throws(StoreError) {
        if state.withLock({ $0.failing.contains(operation) }) { throw .unavailable("as scripted") }
        await state.withLock { $0.holding.removeValue(forKey: operation) }?.pass()
    }

    private func passResponse(_ operation: Operation) async {
        await state.withLock { $0.holdingResponse.removeValue(forKey: operation) }?.pass()
    }

    var usage: StoreUsage { base.usage }

    func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await pass(.create)
        return try await base.create(name, request)
    }

    func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await pass(.append)
        let outcome = try await base.append(name, request)
        await passResponse(.append)
        return outcome
    }

    func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page? {
        try await base.read(name, from: position, limit: limit)
    }

    func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? { try await base.info(name) }

    func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        try await pass(.setLease)
        let isSet = try await base.setLease(name, seconds: seconds)
        await passResponse(.setLease)
        return isSet
    }

    func remove(_ name: StreamName, because removal: Removal, born: Offset?) async throws(StoreError) -> Offset? {
        try await pass(.remove)
        return try await base.remove(name, because: removal, born: born)
    }

    func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool { try await base.isSoftDeleted(name) }

    func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try await base.list(names, after: after, limit: limit)
    }

    func trimByAge() async throws(StoreError) { try await base.trimByAge() }

    func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        try await base.takeEnded(olderThan: age, toFit: bytes)
    }

    func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        let action = state.withLock { state in
            defer { state.beforeWatch = nil }
            return state.beforeWatch
        }
        action?()
        state.withLock { _ = $0.watching.insert(ObjectIdentifier(watcher)) }
        base.watch(name, watcher)
    }

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) {
        state.withLock { _ = $0.watching.remove(ObjectIdentifier(watcher)) }
        base.unwatch(name, watcher)
    }
}

/// Where one operation waits until the test opens.
final class Gate: Sendable {
    private struct State {
        var isReached = false
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var watching: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func pass() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state in
                state.isReached = true
                defer { state.watching = [] }
                if state.isOpen { return state.watching + [continuation] }
                state.waiting.append(continuation)
                return state.watching
            }
            for continuation in ready { continuation.resume() }
        }
    }

    /// Returns when someone waits here.
    func reached() async {
        await withCheckedContinuation { continuation in
            let isReached = state.withLock { state in
                if !state.isReached { state.watching.append(continuation) }
                return state.isReached
            }
            if isReached { continuation.resume() }
        }
    }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
