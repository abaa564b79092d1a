import Foundation
import Locks
import SQLiteStreamStore
import StreamCore
import Testing

/// Where the streams of a test are kept: what is told of an answer follows the order of every store.
enum Keeping: CaseIterable, Sendable {
    case memory, sqlite

    /// Runs a test on a store of its own, which is gone afterwards.
    func run(_ body: (SteppingStore) async throws -> Void) async throws {
        switch self {
        case .memory: try await body(SteppingStore(MemoryStreamStore()))
        case .sqlite:
            let path = NSTemporaryDirectory() + "freshet-test-" + UUID().uuidString
            defer { try? FileManager.default.removeItem(atPath: path) }
            let store = try SQLiteStreamStore(
                directory: path,
                configuration: SQLiteStoreConfiguration(durability: .os)
            )
            do {
                try await body(SteppingStore(store))
            } catch {
                await store.close()
                throw error
            }
            await store.close()
        }
    }
}

/// A store in which somebody else's step comes right before a read.
final class SteppingStore: StreamStore {
    private struct Step: Sendable {
        var prefix: String
        var run: @Sendable () async throws -> Void
    }

    private let base: any StreamStore
    private let next = Mutex<Step?>(nil)

    init(_ base: any StreamStore) { self.base = base }

    /// Runs something before the next read of a stream whose name begins so, once.
    func beforeRead(of prefix: String, _ run: @escaping @Sendable () async throws -> Void) {
        next.withLock { $0 = Step(prefix: prefix, run: run) }
    }

    /// Whether the step was begun.
    var hasStepped: Bool { next.withLock { $0 == nil } }

    private func step(before name: StreamName) async {
        let step = next.withLock { next -> Step? in
            guard let step = next, name.text.hasPrefix(step.prefix) else { return nil }
            next = nil
            return step
        }
        do {
            try await step?.run()
        } catch {
            Issue.record(error)
        }
    }

    func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page? {
        await step(before: name)
        return try await base.read(name, from: position, limit: limit)
    }

    var usage: StoreUsage { base.usage }

    func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await base.create(name, request)
    }

    func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await base.append(name, request)
    }

    func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? { try await base.info(name) }

    func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        try await base.setLease(name, seconds: seconds)
    }

    func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
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

    func producerOpened(_ name: StreamName) async throws(StoreError) { try await base.producerOpened(name) }

    func producerClosed(_ name: StreamName) async throws(StoreError) { try await base.producerClosed(name) }

    func confirm() async throws(StoreError) { try await base.confirm() }

    func watch(_ name: StreamName, _ watcher: any StreamWatcher) { base.watch(name, watcher) }

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) { base.unwatch(name, watcher) }
}
