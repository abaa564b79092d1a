import Locks
import SQLiteStreamStore
import StoreSuite
import StreamCore

/// The SQLite store in a directory of its own, for the suite that every store passes.
final class SQLiteUnderTest: StoreUnderTest {
    private struct State {
        var directory = TemporaryDirectory()
        var store: SQLiteStreamStore?
        var limits = StoreLimits()
        var outbox = OutboxRules.none
        var time = ManualTime()
    }

    private let state = Mutex(State())
    private let adjust: @Sendable (inout SQLiteStoreConfiguration) -> Void

    init(adjust: @escaping @Sendable (inout SQLiteStoreConfiguration) -> Void = { _ in }) {
        self.adjust = adjust
    }

    func make(limits: StoreLimits, time: ManualTime, outbox: OutboxRules) async throws -> any StreamStore {
        state.withLock { state in
            state.directory = TemporaryDirectory()
            state.limits = limits
            state.outbox = outbox
            state.time = time
        }
        return try open()
    }

    func reopen() async throws -> (any StreamStore)? {
        await state.withLock(\.store)?.close()
        return try open()
    }

    private func open() throws -> SQLiteStreamStore {
        let (directory, limits, time) = state.withLock { ($0.directory, $0.limits, $0.time) }
        var configuration = SQLiteStoreConfiguration(durability: .os, limits: limits)
        configuration.outbox = state.withLock(\.outbox)
        adjust(&configuration)
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration, time: time)
        state.withLock { $0.store = store }
        return store
    }
}
