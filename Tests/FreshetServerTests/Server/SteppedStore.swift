import Locks
import StreamCore

/// A store that lets somebody else's step come in between: before the next call of a kind it waits until that is done.
final class SteppedStore: StreamStore {
    enum Call: Hashable {
        case create, append, read, info, setLease
    }

    typealias Step = @Sendable () async throws -> Void

    let base: any StreamStore
    private let steps = Mutex<[Call: Step]>([:])
    private let failures = Mutex<[String]>([])

    init(_ base: any StreamStore) {
        self.base = base
    }

    /// Before the next such call the step is done and over.
    func before(_ call: Call, _ step: @escaping Step) { steps.withLock { $0[call] = step } }

    /// Steps that have not come, or have failed.
    var unfinished: [String] { steps.withLock { $0.keys.map { "before \($0)" } } + failures.withLock(\.self) }

    private func meet(_ call: Call) async {
        let step = steps.withLock { $0.removeValue(forKey: call) }
        do {
            try await step?()
        } catch {
            failures.withLock { $0.append("\(error)") }
        }
    }

    var usage: StoreUsage { base.usage }

    func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        await meet(.create)
        return try await base.create(name, request)
    }

    func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        await meet(.append)
        return try await base.append(name, request)
    }

    func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page? {
        await meet(.read)
        return try await base.read(name, from: position, limit: limit)
    }

    func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        await meet(.info)
        return try await base.info(name)
    }

    func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        await meet(.setLease)
        return try await base.setLease(name, seconds: seconds)
    }

    func remove(_ name: StreamName, because removal: Removal, born: Offset?) async throws(StoreError) -> Offset? {
        try await base.remove(name, because: removal, born: born)
    }

    func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool { try await base.isSoftDeleted(name) }

    func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try await base.list(names, after: after, limit: limit)
    }

    func trimByAge() async throws(StoreError) { try await base.trimByAge() }

    func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        try await base.takeEnded(olderThan: age, toFit: bytes)
    }

    func touch(_ name: StreamName) { base.touch(name) }

    func producerOpened(_ name: StreamName) async throws(StoreError) { try await base.producerOpened(name) }

    func producerClosed(_ name: StreamName) async throws(StoreError) { try await base.producerClosed(name) }

    func confirm() async throws(StoreError) { try await base.confirm() }

    func watch(_ name: StreamName, _ watcher: any StreamWatcher) { base.watch(name, watcher) }

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) { base.unwatch(name, watcher) }
}
