import DequeModule
import Locks

/// The outbox of the memory store. A value; the store's lock guards it.
@available(freshet 0.1, *)
struct MemoryOutbox {
    struct Kept {
        var entry: OutboxEntry
        var content: EventRun?
    }

    let rules: OutboxRules
    private(set) var usage = OutboxUsage()
    var listener: (@Sendable ([OutboxEntry]) -> Void)?
    private var entries: [Int64: Kept] = [:]
    /// Of all entries, and of some that are gone.
    private var numbers: Deque<Int64> = []
    private var last: Int64 = 0

    init(_ rules: OutboxRules) {
        self.rules = rules
    }

    mutating func note(
        _ occasion: OutboxEntry.Occasion,
        of stream: StreamInfo,
        at now: UInt64,
        trace: String?,
        content: () -> EventRun
    ) {
        var added: [OutboxEntry] = []
        for receiver in rules.receivers(of: stream.name) {
            last += 1
            let standing = rules.standing(ofContent: stream.bytes, events: stream.events, beside: usage.bytes)
            let entry = OutboxEntry(
                occasion,
                of: stream,
                to: receiver,
                number: last,
                at: now,
                trace: trace,
                content: standing
            )
            entries[last] = Kept(entry: entry, content: standing == .kept ? content() : nil)
            numbers.append(last)
            usage.add(entry)
            added.append(entry)
        }
        if !added.isEmpty { listener?(added) }
    }

    func entries(after number: Int64, limit: Int) -> [OutboxEntry] {
        var low = 0
        var high = numbers.count
        while low < high {
            let middle = (low + high) / 2
            if numbers[middle] <= number { low = middle + 1 } else { high = middle }
        }
        var found: [OutboxEntry] = []
        while low < numbers.count, found.count < limit {
            if let kept = entries[numbers[low]] { found.append(kept.entry) }
            low += 1
        }
        return found
    }

    func content(of number: Int64) -> EventRun? { entries[number]?.content }

    mutating func change(_ number: Int64, _ change: OutboxChange, at now: UInt64) -> Bool {
        guard let entry = entries[number]?.entry else { return false }
        if entry.failure != nil { usage.failed -= 1 }
        switch change {
        case .remove:
            entries[number] = nil
            usage.entries -= 1
            usage.bytes -= entry.cost
            while let first = numbers.first, entries[first] == nil { numbers.removeFirst() }
            if numbers.count > 2 * entries.count + 64 { numbers = Deque(numbers.filter { entries[$0] != nil }) }
        case .fail(let reason):
            entries[number]?.entry.failure = reason
            usage.failed += 1
        case .retry:
            entries[number]?.entry.failure = nil
            entries[number]?.entry.waitingSince = now
        }
        return true
    }
}

@available(freshet 0.1, *)
extension MemoryStreamStore {
    func note(
        _ occasion: OutboxEntry.Occasion,
        _ stream: MemoryStream,
        _ name: StreamName,
        trace: String? = nil,
        _ state: inout State
    ) {
        state.outbox.note(occasion, of: stream.info(name), at: time.wallMilliseconds(), trace: trace) {
            EventRun(stream.log.events(after: stream.floor).map(\.event))
        }
    }

    package func followOutbox(_ listener: @escaping @Sendable ([OutboxEntry]) -> Void) {
        state.withLock { $0.outbox.listener = listener }
    }

    package func outboxEntries(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxEntry] {
        state.withLock { $0.outbox.entries(after: number, limit: limit) }
    }

    package func outboxContent(of number: Int64) async throws(StoreError) -> EventRun? {
        state.withLock { $0.outbox.content(of: number) }
    }

    package func changeOutbox(_ number: Int64, _ change: OutboxChange) async throws(StoreError) -> Bool {
        state.withLock { $0.outbox.change(number, change, at: time.wallMilliseconds()) }
    }

    package var outboxUsage: OutboxUsage { state.withLock(\.outbox.usage) }
}
