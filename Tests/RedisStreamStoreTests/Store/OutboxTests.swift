import Locks
import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("The outbox of nodes on one Redis", .timeLimit(.minutes(5)))
struct OutboxTests {
    private let name = StreamName.known("told/a b%ü {x}")

    /// What a node was told to tell.
    private final class Told: Sendable {
        let entries = Mutex<[OutboxEntry]>([])

        init(at node: RedisStreamStore) {
            node.followOutbox { [self] new in entries.withLock { $0 += new } }
        }

        var first: OutboxEntry? { entries.withLock(\.first) }
        var streams: [String] { entries.withLock { $0.map(\.stream.name.text) } }
    }

    private func nodes(_ harness: RedisUnderTest) async throws -> (RedisStreamStore, RedisStreamStore) {
        let rules = OutboxRules(receivers: [OutboxRules.Receiver(name: "100 % \n", prefixes: ["told/"])])
        let first = try await harness.make(limits: StoreLimits(), time: ManualTime(), outbox: rules)
        return (try #require(first as? RedisStreamStore), try await harness.node())
    }

    private func end(_ name: StreamName, at node: RedisStreamStore) async throws {
        _ = try await node.put(name)
        try await node.add(name, "of \(name)", end: EndRequest(.done))
    }

    @Test("is told by one of them, whichever ends a stream, and both know what waits")
    func oneTells() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let (first, second) = (Told(at: one), Told(at: two))
        try await one.beat()
        try await two.beat()
        for node in [one, two] { try await end(.known("told/\(node.node.session)"), at: node) }
        try await end(name, at: two)
        try await one.beat()
        #expect(first.streams == ["told/\(one.node.session)", "told/\(two.node.session)", name.text])
        #expect(second.streams.isEmpty)
        try await two.beat()
        #expect(one.outboxUsage == two.outboxUsage && one.outboxUsage.entries == 3)
        let numbers = first.entries.withLock { $0.map(\.number) }
        #expect(try await one.outboxEntryToTell(numbers[2])?.receiver == "100 % \n")
        #expect(try await two.outboxEntryToTell(numbers[2]) == nil)
        // Somebody wants it told now, at the other node.
        #expect(try await two.changeOutbox(numbers[2], .retry))
        try await one.beat()
        try await one.beat()
        #expect(first.streams.count == 4 && first.streams.last == name.text)
        #expect(try await two.changeOutbox(numbers[0], .remove))
        #expect(try await one.outboxEntries(after: 0, limit: 9).map(\.number) == Array(numbers.dropFirst()))
    }

    @Test("is told by another one once the one that did is dead, or has given it up")
    func takenOver() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let (first, second) = (Told(at: one), Told(at: two))
        try await one.beat()
        try await end(name, at: two)
        try await one.beat()
        #expect(first.streams == [name.text] && second.streams.isEmpty)
        try await harness.bury(one)
        try await two.beat()
        #expect(second.streams == [name.text])
        // The dead one learns it, and tells no more.
        try await one.beat()
        let number = try #require(second.first).number
        #expect(try await one.outboxEntryToTell(number) == nil)
        #expect(try await two.outboxEntryToTell(number) != nil)
        await two.leaveOutbox()
        try await one.beat()
        #expect(first.streams == [name.text, name.text])
    }

    @Test("has what a node left that died between an end and its list, and nothing of what did not end")
    func leftHalfway() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let time = ManualTime()
        let rules = OutboxRules(receivers: [OutboxRules.Receiver(name: "app", prefixes: [""])])
        let made = try await harness.make(limits: StoreLimits(), time: time, outbox: rules)
        let one = try #require(made as? RedisStreamStore)
        let told = Told(at: one)
        try await one.beat()
        _ = try await one.put(name)
        try await one.add(name, "a")
        let notice = try #require(one.notice(of: name))
        #expect(await one.entering(name).value != nil)
        #expect(await one.entering(.known("another")).value != nil)
        var call = one.function("freshet1_finish", of: name, [":m", ":s", ":o"])
        call.add(one.callMode(notice))
        for _ in 0..<7 { call.addNothing() }
        call.add(EndRequest(.done))
        #expect(try await one.caller.call(call, .writes).word == "appended")
        try await one.beat()
        #expect(told.streams.isEmpty)
        time.advance(by: .seconds(16))
        try await one.beat()
        #expect(told.streams == [name.text] && one.outboxUsage.entries == 1)
        let number = try #require(told.first).number
        #expect(try await one.outboxContent(of: number)?.map(\.text) == ["a"])
        time.advance(by: .seconds(60))
        try await one.beat()
        #expect(told.streams == [name.text] && one.outboxUsage.entries == 1)
    }

    @Test("passes over an entry that is damaged, and says so of a content")
    func damaged() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, _) = try await nodes(harness)
        let told = Told(at: one)
        for number in 0..<3 { try await end(.known("told/\(number)"), at: one) }
        let entries = told.entries.withLock(\.self)
        #expect(entries.count == 3)
        func damage(_ entry: OutboxEntry, _ field: String) async throws {
            var command = RedisCommand("HSET")
            command.add(one.keys.base(of: entry.stream.name) + ":o".utf8)
            command.add(field + entry.id)
            command.add("what")
            _ = try await one.caller.send([command], .writes)
        }
        try await damage(entries[0], "e:")
        try await damage(entries[1], "c:")
        #expect(try await one.outboxEntries(after: 0, limit: 9).map(\.number) == entries.dropFirst().map(\.number))
        await #expect(throws: StoreError.self) { try await one.outboxContent(of: entries[1].number) }
        // One that is there in the list only is gone with the next look.
        var command = RedisCommand("DEL")
        command.add(one.keys.base(of: entries[2].stream.name) + ":o".utf8)
        _ = try await one.caller.send([command], .writes)
        #expect(try await one.outboxEntries(after: 0, limit: 9).map(\.number) == [entries[1].number])
        #expect(one.outboxUsage.entries == 2)
    }
}
