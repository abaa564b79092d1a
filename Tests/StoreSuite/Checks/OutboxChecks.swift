import Locks
import StreamCore
import Testing

/// What is kept for those who are told of ends.
@available(freshet 0.1, *)
extension StoreCheck {
    private static let chat = StreamName.known("told/chat")
    private static let job = StreamName.known("told/job")
    private static let others = StreamName.known("untold")

    static let outboxes: [StoreCheck] = [
        StoreCheck("an end is in the outbox with its stream's events, once, and only if somebody is told of it") {
            bench in
            let store = try await bench.outbox()
            for name in [chat, others] {
                let info = try await store.put(name)
                try await store.add(name, "a", "b")
                let tail = try await store.add(name, "c", end: EndRequest(.failed, detail: "why", trace: "t"))
                let again = AppendRequest(end: EndRequest(.done))
                guard case .ended = try await store.append(name, again) else { throw UnexpectedOutcome("a second end") }
                guard name == chat else { continue }
                let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
                #expect(entry.occasion == .ended && entry.receiver == "app" && entry.trace == "t")
                #expect(entry.stream.name == name && entry.stream.birth == info.birth && entry.stream.tail == tail)
                #expect(entry.stream.end?.reason == .failed && entry.stream.end?.detail == "why")
                #expect(entry.stream.events == 3 && entry.stream.bytes == 3 && entry.content == .kept)
                let isOfItsClock = bench.harness.hasOneClock
                let clock = isOfItsClock ? entry.stream.end?.offset.milliseconds : bench.time.wallMilliseconds()
                #expect(entry.recordedAt == clock)
                let events = try await store.outboxContent(of: entry.number)
                #expect(events.map(Array.init) == (try await store.page(name).events))
            }
            #expect(try await store.outboxEntries(after: 0, limit: 9).count == 1)
        },
        StoreCheck("a duplicate of the request that ended a stream adds nothing to the outbox") { bench in
            let store = try await bench.outbox()
            _ = try await store.put(chat)
            let stamp = ProducerStamp(id: "p", epoch: 0, sequence: 0)
            let request = AppendRequest(events: [EventBody("a")], producer: stamp, end: EndRequest(.done))
            _ = try await store.append(chat, request)
            guard case .duplicate = try await store.append(chat, request) else { throw UnexpectedOutcome("kept twice") }
            #expect(try await store.outboxEntries(after: 0, limit: 9).count == 1)
        },
        StoreCheck("a stream that is created with its end is in the outbox with its events") { bench in
            let store = try await bench.outbox()
            let events = EventBatch([EventBody("a"), EventBody("b")])
            let request = CreateRequest(options: StreamOptions(), events: events, end: EndRequest(.done))
            _ = try await store.create(job, request)
            let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
            #expect(try await store.outboxContent(of: entry.number)?.map(\.text) == ["a", "b"])
        },
        StoreCheck("a stream that expires is in the outbox with what it held; one that is deleted is not") { bench in
            let store = try await bench.outbox()
            _ = try await store.put(chat)
            let tail = try await store.add(chat, "a", "b")
            _ = try await store.put(job)
            _ = try await store.remove(job, because: .deleted, born: nil)
            _ = try await store.remove(chat, because: .expired, born: nil)
            #expect(try await store.info(chat) == nil)
            let entries = try await store.outboxEntries(after: 0, limit: 9)
            #expect(entries.map(\.occasion) == [.expired] && entries.first?.stream.name == chat)
            #expect(entries.first?.stream.tail == tail && entries.first?.stream.end == nil)
            #expect(try await store.outboxContent(of: entries.first?.number ?? 0)?.map(\.text) == ["a", "b"])
        },
        StoreCheck("an ended stream that is taken to make room is in the outbox twice, in order") { bench in
            let store = try await bench.outbox(limits: StoreLimits(streams: 1, bytes: 1 << 20))
            _ = try await store.put(chat)
            try await store.add(chat, "a", end: EndRequest(.done))
            bench.time.advance(by: .seconds(60))
            try await store.takeEnded(olderThan: .seconds(1), toFit: 100)
            let entries = try await store.outboxEntries(after: 0, limit: 9)
            #expect(entries.map(\.occasion) == [.ended, .expired])
            #expect(entries.map(\.number) == entries.map(\.number).sorted() && Set(entries.map(\.id)).count == 2)
            #expect(try await store.outboxContent(of: entries.last?.number ?? 0)?.map(\.text) == ["a"])
            #expect(try await store.outboxEntries(after: entries[0].number, limit: 9).map(\.occasion) == [.expired])
            #expect(try await store.outboxEntries(after: 0, limit: 1).map(\.occasion) == [.ended])
        },
        StoreCheck("what retention took before the end is not in the outbox") { bench in
            let store = try await bench.outbox()
            _ = try await store.put(chat, StreamOptions(retention: Retention(events: 2)))
            for text in ["a", "b", "c", "d"] { try await store.add(chat, text) }
            try await store.add(chat, end: EndRequest(.done))
            let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
            let texts = try await store.outboxContent(of: entry.number)?.map(\.text) ?? []
            #expect(entry.stream.events == texts.count && texts.suffix(2) == ["c", "d"])
        },
        StoreCheck("a content over its bound is left out, and the entry is kept") { bench in
            let store = try await bench.outbox(contentBytes: OutboxEntry.contentCost(events: 2, bytes: 4))
            _ = try await store.put(chat)
            try await store.add(chat, "aa", "bb", end: EndRequest(.done))
            _ = try await store.put(job)
            try await store.add(job, "aa", "bbb", end: EndRequest(.done))
            let entries = try await store.outboxEntries(after: 0, limit: 9)
            #expect(entries.map(\.content) == [.kept, .omitted(.tooLarge)])
            #expect(try await store.outboxContent(of: entries[1].number) == nil)
            #expect(store.outboxUsage.omitted == [.tooLarge: 1])
        },
        StoreCheck("contents over the bound on all are left out until there is room again") { bench in
            let cost = OutboxEntry.overhead + OutboxEntry.contentCost(events: 1, bytes: 100)
            let store = try await bench.outbox(backlogBytes: 2 * cost - 1)
            let text = String(repeating: "x", count: 100)
            for name in [chat, job] {
                _ = try await store.put(name)
                try await store.add(name, text, end: EndRequest(.done))
            }
            let entries = try await store.outboxEntries(after: 0, limit: 9)
            #expect(entries.map(\.content) == [.kept, .omitted(.backlog)])
            #expect(store.outboxUsage.bytes == cost + OutboxEntry.overhead && store.outboxUsage.entries == 2)
            #expect(try await store.changeOutbox(entries[0].number, .remove))
            _ = try await store.put(.known("told/third"))
            try await store.add(.known("told/third"), text, end: EndRequest(.done))
            #expect(try await store.outboxEntries(after: 0, limit: 9).map(\.content) == [.omitted(.backlog), .kept])
        },
        StoreCheck("an entry is failed, told anew, and removed") { bench in
            let store = try await bench.outbox()
            _ = try await store.put(chat)
            try await store.add(chat, "a", end: EndRequest(.done))
            let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
            #expect(try await store.changeOutbox(entry.number, .fail("it answered 500")))
            #expect(try await store.outboxEntries(after: 0, limit: 9).first?.failure == "it answered 500")
            #expect(store.outboxUsage.failed == 1)
            bench.time.advance(by: .seconds(5))
            #expect(try await store.changeOutbox(entry.number, .retry))
            let again = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
            #expect(again.failure == nil && again.id == entry.id && again.recordedAt == entry.recordedAt)
            #expect(again.waitingSince == entry.waitingSince + 5000 && store.outboxUsage.failed == 0)
            #expect(try await store.outboxContent(of: entry.number)?.map(\.text) == ["a"])
            #expect(try await store.changeOutbox(entry.number, .remove))
            #expect(try await store.changeOutbox(entry.number, .remove) == false)
            #expect(try await store.outboxContent(of: entry.number) == nil)
            #expect(store.outboxUsage.entries == 0 && store.outboxUsage.bytes == 0)
        },
        StoreCheck("who follows the outbox is told of each entry, in order") { bench in
            let store = try await bench.outbox()
            let told = Told()
            store.followOutbox { entries in told.numbers.withLock { $0 += entries.map(\.number) } }
            for index in 0..<5 {
                let name = StreamName.known("told/\(index)")
                _ = try await store.put(name)
                try await store.add(name, end: EndRequest(.done))
            }
            // An acknowledgement follows what watchers are told.
            let numbers = try await store.outboxEntries(after: 0, limit: 9).map(\.number)
            #expect(numbers.count == 5 && told.numbers.withLock(\.self) == numbers)
        },
        StoreCheck("after a restart the outbox is as it was, and no number comes twice") { bench in
            let store = try await bench.outbox()
            for name in [chat, job] {
                _ = try await store.put(name)
                try await store.add(name, "of \(name)", end: EndRequest(.failed, detail: "d", trace: "t"))
            }
            let before = try await store.outboxEntries(after: 0, limit: 9)
            _ = try await store.changeOutbox(before[1].number, .fail("no"))
            _ = try await store.remove(job, because: .expired, born: nil)
            let entries = try await store.outboxEntries(after: 0, limit: 9)
            _ = try await store.changeOutbox(entries[2].number, .remove)
            let usage = store.outboxUsage
            guard let opened = try await bench.harness.reopen() else { return }
            let again = try #require(opened as? any StreamStore & Outbox)
            #expect(try await again.outboxEntries(after: 0, limit: 9) == Array(entries.prefix(2)))
            #expect(again.outboxUsage == usage && usage.failed == 1)
            #expect(try await again.outboxContent(of: entries[1].number)?.map(\.text) == ["of told/job"])
            _ = try await again.put(.known("told/new"))
            try await again.add(.known("told/new"), end: EndRequest(.done))
            let new = try #require(try await again.outboxEntries(after: entries[1].number, limit: 9).first)
            #expect(new.number > entries[2].number)
        },
    ]

    private final class Told: Sendable {
        let numbers = Mutex<[Int64]>([])
    }
}
