import Locks
package import StreamCore

/// What the suite asks of whoever brings a store to be tested. A new one for each check.
@available(freshet 0.1, *)
package protocol StoreUnderTest: Sendable {
    /// The most events the store keeps beyond what retention asks.
    var retentionSlack: Int { get }

    /// Offsets rise within a name and not over all: there is nothing that all streams of the store go through.
    var ordersOffsetsByName: Bool { get }

    /// The store goes by one clock, that of a server beside it. Nobody steps that in a test.
    var hasOneClock: Bool { get }

    /// A new, empty store, whose ends somebody is told of by these rules.
    func make(limits: StoreLimits, time: ManualTime, outbox: OutboxRules) async throws -> any StreamStore

    /// Closes what `make` gave and opens what it kept; nil when it keeps nothing.
    func reopen() async throws -> (any StreamStore)?

    /// Another node on the store that `make` gave, itself of a store that nodes share; nil where none is.
    func another() async throws -> (any SharedStreamStore)?

    /// A node does what it does once a second.
    func beat(_ node: any SharedStreamStore) async throws

    /// Returns when a node, which does nothing more by itself, was found dead by the others.
    func bury(_ node: any SharedStreamStore) async throws
}

@available(freshet 0.1, *)
extension StoreUnderTest {
    package var retentionSlack: Int { 0 }
    package var ordersOffsetsByName: Bool { false }
    package var hasOneClock: Bool { false }

    package func make(limits: StoreLimits, time: ManualTime) async throws -> any StreamStore {
        try await make(limits: limits, time: time, outbox: .none)
    }

    package func another() async throws -> (any SharedStreamStore)? { nil }

    package func beat(_ node: any SharedStreamStore) async throws {}

    package func bury(_ node: any SharedStreamStore) async throws { preconditionFailure("it has no nodes") }
}

/// The memory store.
@available(freshet 0.1, *)
package struct MemoryUnderTest: StoreUnderTest {
    package init() {}

    package func make(limits: StoreLimits, time: ManualTime, outbox: OutboxRules) -> any StreamStore {
        MemoryStreamStore(limits: limits, time: time, outbox: outbox)
    }

    package func reopen() -> (any StreamStore)? { nil }
}

/// The memory store that nodes share.
@available(freshet 0.1, *)
package final class SharedMemoryUnderTest: StoreUnderTest {
    private let memory = Mutex<SharedMemory?>(nil)

    package init() {}

    package func make(limits: StoreLimits, time: ManualTime, outbox: OutboxRules) -> any StreamStore {
        let made = SharedMemory(limits: limits, time: time)
        memory.withLock { $0 = made }
        return made.node()
    }

    package func reopen() -> (any StreamStore)? { nil }

    package func another() -> (any SharedStreamStore)? { memory.withLock { $0?.node() } }

    package func bury(_ node: any SharedStreamStore) async throws {
        guard let node = node as? SharedMemoryNode else { preconditionFailure("it is another store's") }
        try await memory.withLock(\.self)?.bury(node)
    }
}
