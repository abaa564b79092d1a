import Locks
import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("Nodes on one Redis", .timeLimit(.minutes(5)))
struct NodesTests {
    private let name = StreamName.known("a/stream")

    private func nodes(_ harness: RedisUnderTest) async throws -> (RedisStreamStore, RedisStreamStore) {
        _ = try await harness.make(limits: StoreLimits(), time: ManualTime())
        return (try await harness.node(), try await harness.node())
    }

    @Test("what is appended at one is told at the other, once and in order")
    func tailAcross() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let watchers = (WatchRecorder(), WatchRecorder())
        one.watch(name, watchers.0)
        two.watch(name, watchers.1)
        for watcher in [watchers.0, watchers.1] { await watcher.wait { $0.count == 1 } }
        _ = try await one.put(name)
        for number in 0..<50 { try await one.add(name, "\(number)") }
        try await one.add(name, end: EndRequest(.done))
        _ = try await one.remove(name, because: .deleted, born: nil)
        let expected = ["ready", "created"] + Array(repeating: "committed", count: 50) + ["ended", "removed: deleted"]
        // At its own node before it was acknowledged.
        #expect(watchers.0.signals.words == expected)
        let told = await watchers.1.wait { $0.count >= expected.count }
        #expect(told.words == expected)
        #expect(told.items.flatMap { Array($0.events) }.map(\.text) == (0..<50).map(String.init))
        // What came late at the first was known there.
        let last = WatchRecorder()
        two.watch(.known("last"), last)
        await last.wait { $0.count == 1 }
        _ = try await one.put(.known("last"))
        await last.wait { $0.count == 2 }
        #expect(watchers.0.signals.words == expected)
    }

    @Test("who follows at either sees every event of producers at both, once and in the one order")
    func followers() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let birth = try await one.put(name).birth
        let streams = [Streams(store: one), Streams(store: two)]
        let (tasks, each) = (8, 100)
        let logs: [[StreamEvent]] = try await withThrowingTaskGroup(of: [StreamEvent].self) { group in
            for node in streams {
                group.addTask { [name] in
                    let follower = ModelFollower(name: name, at: node, from: .after(birth))
                    node.follow(name, follower.inbox)
                    while !follower.isOver {
                        _ = try await follower.pump(signals: .max, page: PageLimit())
                        try Task.checkCancellation()
                        await Task.yield()
                    }
                    node.unfollow(name, follower.inbox)
                    #expect(!follower.shown.contains { if case .gap = $0 { true } else { false } })
                    return follower.shown.compactMap { if case .event(let event) = $0 { event } else { nil } }
                }
            }
            group.addTask { [name] in
                try await withThrowingTaskGroup { group in
                    for task in 0..<tasks {
                        group.addTask {
                            let store = task.isMultiple(of: 2) ? one : two
                            for number in 0..<each { try await store.add(name, "\(task).\(number)") }
                        }
                    }
                    try await group.waitForAll()
                }
                try await one.add(name, end: EndRequest(.done))
                return []
            }
            return try await group.reduce(into: []) { if !$1.isEmpty { $0.append($1) } }
        }
        #expect(logs.count == 2 && logs[0] == logs[1] && logs[0].count == tasks * each)
        #expect(zip(logs[0], logs[0].dropFirst()).allSatisfy { $0.offset < $1.offset })
        for task in 0..<tasks {
            let own = logs[0].map(\.text).filter { $0.hasPrefix("\(task).") }
            #expect(own == (0..<each).map { "\(task).\($0)" })
        }
    }

    @Test("a stop at one reaches the producer at the other")
    func cancelAcross() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        _ = try await one.put(name)
        let streams = (Streams(store: one), Streams(store: two))
        let stops = Recorder<ProducerStop>()
        let producer = try #require(try await streams.0.openProducer(name, label: nil) { stops.note($0) })
        _ = try await producer.append([EventBody("half")])
        _ = try await streams.1.append(name, AppendRequest(end: EndRequest(.cancelled)))
        let stop = await stops.wait(for: 1)[0]
        guard case .ended(let end) = stop else { throw UnexpectedOutcome("\(stop)") }
        #expect(end.reason == .cancelled)
        await producer.finish(isTorn: false)
    }

    @Test("a node that was found dead learns it, and goes on as another")
    func buriedAlive() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let birth = try await one.put(name).birth
        let claim = {
            try await two.claim(name, ClaimRequest(birth: birth, kind: .streamingAppend, tornLeaseSeconds: 9))
        }
        guard case .claimed(let lost) = try await claim() else { throw UnexpectedOutcome("not claimed") }
        let watcher = WatchRecorder()
        two.watch(name, watcher)
        await watcher.wait { $0.count == 1 }
        try await harness.bury(two)
        var request = AppendRequest(events: [EventBody("late")], claim: lost)
        #expect(try await two.append(name, request) == .superseded)
        let before = two.node.session
        try await two.beat()
        #expect(watcher.signals.contains { if case .superseded(lost) = $0 { true } else { false } })
        #expect(two.node.session != before)
        guard case .claimed(let anew) = try await claim() else { throw UnexpectedOutcome("not claimed anew") }
        #expect(anew.session == two.node.session)
        request.claim = anew
        guard case .appended = try await two.append(name, request) else { throw UnexpectedOutcome("not appended") }
        // Nobody has anything to bury any more.
        try await one.beat()
        #expect(two.node.session == anew.session)
    }

    @Test("a list of many names is whole and in order at each limit, and stale names are not in it")
    func lists() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        let names = (0..<300).map { StreamName.known("n/\($0)") }
        try await withThrowingTaskGroup { group in
            for name in names { group.addTask { _ = try await one.put(name) } }
            try await group.waitForAll()
        }
        // A node died after it had entered a name, and another before it took one out.
        _ = try await one.enter(.known("n/stale"), StreamOptions())
        let sorted = names.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        for limit in [7, 64, 300, 1000] {
            var told: [String] = []
            while true {
                let page = try await two.list(prefix: "n/", after: told.last, limit: limit)
                told += page.map(\.name.text)
                if page.count < limit { break }
            }
            #expect(told == sorted)
        }
    }

    @Test("a node that is closed is told of no more, and what no node wrote is passed over")
    func reports() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        for (node, name) in [(one, "one"), (two, "two")] {
            node.report(NodeReport(name: name, version: "1", started: 5))
            try await node.beat()
        }
        var command = RedisCommand("HSET")
        command.add(one.keys.reports)
        let large = "9 {\"name\":\"\(String(repeating: "x", count: 5000))\"}"
        let strange = "{\"name\":\"\u{202E}\",\"started\":9223372036854775807,\"readers\":-4,\"memory\":-1,\"new\":[1]}"
        for (number, value) in ["", "x", "9", "9 ", "9 []", "-9 {\"name\":\"x\"}", large, "9 \(strange)"].enumerated() {
            command.add("s\(number)")
            command.add(value)
        }
        _ = try await one.caller.send([command], .writes)
        let told = try await one.livingNodes()
        #expect(Set(told.map(\.report.name)) == ["one", "two", "\u{202E}"])
        let report = try #require(told.first { $0.report.name == "\u{202E}" }?.report)
        #expect(report.readers == 0 && report.memory == 0 && report.started == 253_402_300_799_999)
        await two.close()
        #expect(Set(try await one.livingNodes().map(\.report.name)) == ["one", "\u{202E}"])
    }

    @Test("what one holds counts against the bound of all")
    func usage() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        _ = try await harness.make(limits: StoreLimits(streams: 3), time: ManualTime())
        let (one, two) = (try await harness.node(), try await harness.node())
        _ = try await one.put(.known("1"))
        _ = try await two.put(.known("2"))
        _ = try await two.put(.known("3"))
        for node in [one, two, one] { try await node.beat() }
        #expect(one.usage == two.usage && one.usage.streams == 3)
        await #expect(throws: StoreError.full(.streams)) { _ = try await one.put(.known("4")) }
        // Nothing of it is listed.
        #expect(try await one.list(prefix: "", after: nil, limit: 9).count == 3)
        _ = try await one.remove(.known("1"), because: .deleted, born: nil)
        _ = try await one.put(.known("4"))
    }

    @Test("an item that no message holds, and a message that nobody knows, make watchers read again")
    func messages() async throws {
        let harness = RedisUnderTest()
        defer { harness.end() }
        let (one, two) = try await nodes(harness)
        _ = try await one.put(name)
        let watcher = WatchRecorder()
        two.watch(name, watcher)
        await watcher.wait { $0.count == 1 }
        let big = EventBody(data: Array(repeating: 7, count: 300 << 10))
        _ = try await one.append(name, AppendRequest(events: [big]))
        await watcher.wait { $0.count >= 3 }
        try await one.add(name, "small")
        #expect(await watcher.wait { $0.count >= 4 }.words == ["ready", "broken", "ready", "committed"])
        var command = RedisCommand("PUBLISH")
        command.add(one.keys.channel(of: name))
        command.add("i what is this")
        _ = try await one.caller.send([command], .writes)
        try await one.add(name, "more")
        let words = await watcher.wait { $0.count >= 7 }.words
        #expect(words.dropFirst(4) == ["broken", "ready", "committed"])
    }
}
