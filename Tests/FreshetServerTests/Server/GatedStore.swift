import Locks
import StreamCore

/// Where appends wait until the test lets them through.
final class StoreGate: Sendable {
    private struct State {
        var isShut = false
        var waiting: [CheckedContinuation<Void, Never>] = []
        var asked: [String] = []
    }

    private let state = Mutex(State())

    /// From now on appends wait.
    func shut() { state.withLock { $0.isShut = true } }

    /// Those that wait go on, and later ones do not wait.
    func open() {
        let waiting = state.withLock { state in
            state.isShut = false
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    var waiting: Int { state.withLock(\.waiting.count) }

    /// What the store was asked, in order.
    var asked: [String] { state.withLock(\.asked) }

    func note(_ question: String) { state.withLock { $0.asked.append(question) } }

    func forget() { state.withLock { $0.asked = [] } }

    func pass() async {
        await withCheckedContinuation { continuation in
            let mayPass = state.withLock { state in
                if state.isShut { state.waiting.append(continuation) }
                return !state.isShut
            }
            if mayPass { continuation.resume() }
        }
    }
}

/// A store whose appends pass a gate, as those of a store on a disk or a network take their time.
struct GatedStore: StreamStore {
    let base: any StreamStore
    let gate: StoreGate

    var usage: StoreUsage { base.usage }

    func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        gate.note("create")
        return try await base.create(name, request)
    }

    func producerOpened(_ name: StreamName) async throws(StoreError) {
        await gate.pass()
        try await base.producerOpened(name)
    }

    func producerClosed(_ name: StreamName) async throws(StoreError) { try await base.producerClosed(name) }

    func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        gate.note("append")
        await gate.pass()
        return try await base.append(name, request)
    }

    func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page? {
        gate.note("read")
        return try await base.read(name, from: position, limit: limit)
    }

    func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        gate.note("info")
        return try await base.info(name)
    }

    func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        gate.note("setLease")
        return try await base.setLease(name, seconds: seconds)
    }

    func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
        gate.note("remove")
        return try await base.remove(name, because: removal, born: born)
    }

    func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        gate.note("isSoftDeleted")
        return try await base.isSoftDeleted(name)
    }

    func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        gate.note("list")
        return try await base.list(names, after: after, limit: limit)
    }

    func trimByAge() async throws(StoreError) { try await base.trimByAge() }

    func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        try await base.takeEnded(olderThan: age, toFit: bytes)
    }

    func confirm() async throws(StoreError) { try await base.confirm() }

    func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        gate.note("watch")
        base.watch(name, watcher)
    }

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) { base.unwatch(name, watcher) }
}
