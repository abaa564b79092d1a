package import StreamCore

/// What the suite asks of whoever brings a store to be tested. A new one for each check.
package protocol StoreUnderTest: Sendable {
    /// The most events the store keeps beyond what retention asks.
    var retentionSlack: Int { get }

    /// A new, empty store.
    func make(limits: StoreLimits, time: ManualTime) async throws -> any StreamStore

    /// Closes what `make` gave and opens what it kept; nil when it keeps nothing.
    func reopen() async throws -> (any StreamStore)?
}

extension StoreUnderTest {
    package var retentionSlack: Int { 0 }
}

/// The memory store.
package struct MemoryUnderTest: StoreUnderTest {
    package init() {}

    package func make(limits: StoreLimits, time: ManualTime) -> any StreamStore {
        MemoryStreamStore(limits: limits, time: time)
    }

    package func reopen() -> (any StreamStore)? { nil }
}
