/// What a store keeps for those who are told of ends: written in the step that records the end.
///
/// An entry is there as soon as the end, or the removal, is visible, and stays until it is taken away or the store
/// loses everything.
@available(freshet 0.1, *)
package protocol Outbox: Sendable {
    /// Tells of every entry that is kept from now on, in the order of their numbers. It is called under a lock, or on
    /// the store's own thread: it must only note them.
    func followOutbox(_ listener: @escaping @Sendable ([OutboxEntry]) -> Void)

    /// Whether other nodes have it too. Then one node tells, and only there is a listener told of entries: of all there are, and
    /// of one again that somebody wants told now.
    var isOutboxShared: Bool { get }

    /// This node tells no more, and another may.
    func leaveOutbox() async

    /// An entry, if it is still to be told, and by this node.
    func outboxEntryToTell(_ number: Int64) async throws(StoreError) -> OutboxEntry?

    /// Entries after a number, in order; fewer than the limit only where no more follow.
    func outboxEntries(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxEntry]

    /// The events of an entry; nil when it has none, or is gone.
    func outboxContent(of number: Int64) async throws(StoreError) -> EventRun?

    /// False when there is no such entry.
    func changeOutbox(_ number: Int64, _ change: OutboxChange) async throws(StoreError) -> Bool

    var outboxUsage: OutboxUsage { get }
}

@available(freshet 0.1, *)
extension Outbox {
    package var isOutboxShared: Bool { false }

    package func leaveOutbox() async {}

    package func outboxEntryToTell(_ number: Int64) async throws(StoreError) -> OutboxEntry? {
        let found = try await outboxEntries(after: number - 1, limit: 1).first
        return found?.number == number && found?.failure == nil ? found : nil
    }
}

/// What can become of an entry.
@available(freshet 0.1, *)
package enum OutboxChange: Sendable, Equatable {
    /// It was told, or nobody wants it to be.
    case remove
    /// Nobody tries any more, for a reason.
    case fail(String)
    /// It is told from now on, as if it were new.
    case retry
}

/// What an outbox holds, and what it dropped since the store was opened.
@available(freshet 0.1, *)
package struct OutboxUsage: Sendable, Equatable {
    package var entries = 0
    /// As the bound on all entries counts them.
    package var bytes = 0
    /// Those that nobody tries to tell any more.
    package var failed = 0
    /// Contents that were not kept, by the reason.
    package var omitted: [OutboxEntry.Omission: Int] = [:]

    package init() {}

    package mutating func add(_ entry: OutboxEntry) {
        entries += 1
        bytes += entry.cost
        if case .omitted(let reason) = entry.content { omitted[reason, default: 0] += 1 }
    }
}
