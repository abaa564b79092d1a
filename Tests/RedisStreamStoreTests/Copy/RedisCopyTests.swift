import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

/// From one prefix of a Redis to another, so that what is read for a copy and what is made of it are both Redis's.
@Suite("Streams copied from Redis to Redis", .timeLimit(.minutes(5)))
struct RedisCopyTests {
    private let name = StreamName.known("s")

    private func open() async throws -> RedisStreamStore {
        var configuration = RedisStoreConfiguration(Patience.patient(try await SharedRedis.plain.get().url))
        configuration.prefix = "copy\(UInt64.random(in: .min ... .max)):"
        configuration.pulse = nil
        configuration.patience = .seconds(60)
        let store = RedisStreamStore(configuration: configuration)
        try await store.start(within: .seconds(60))
        return store
    }

    private func copy(
        _ source: RedisStreamStore,
        _ target: RedisStreamStore,
        page: PageLimit = PageLimit(events: 7)
    ) async throws -> [String: ImportOutcome] {
        let (export, taking) = (RedisExport(source), RedisImport(target))
        var outcomes: [String: ImportOutcome] = [:]
        for record in try await export.records(prefix: "", after: nil, limit: 100) {
            outcomes[record.info.name.text] = try await taking.take(record) { offset throws(StoreError) in
                try await export.events(of: record, after: offset, limit: page)
            }
        }
        try await taking.finish()
        return outcomes
    }

    private func expectTheSame(_ source: RedisStreamStore, _ target: RedisStreamStore) async throws {
        let (from, to) = (
            try await source.list(prefix: "", after: nil, limit: 100),
            try await target.list(prefix: "", after: nil, limit: 100)
        )
        #expect(from == to)
        for info in from {
            let (one, other) = (try await source.page(info.name), try await target.page(info.name))
            #expect(one.events == other.events && one.end == other.end && one.standing == other.standing)
        }
    }

    private func fill(_ store: RedisStreamStore) async throws {
        _ = try await store.put(name)
        for round in 0..<40 { try await store.add(name, "event \(round)", String(repeating: "-", count: round)) }
        let typed = StreamName.known("typed")
        let options = StreamOptions(
            expiry: .idle(seconds: 1000),
            leaseSeconds: 30,
            retention: Retention(bytes: 1 << 20),
            responseFields: [StreamOptions.ResponseField(name: "x-kind", value: "one")],
            owner: "key:writer"
        )
        _ = try await store.put(typed, options)
        _ = try await store.append(typed, AppendRequest(events: [EventBody(type: "token", data: [1, 2, 3])]))
        #expect(try await store.setLease(typed, seconds: 90))
        let ended = StreamName.known("ended")
        _ = try await store.put(ended, StreamOptions(contentType: ContentType("application/json")!))
        try await store.add(ended, "{}", end: EndRequest(.failed, detail: "why"))
        _ = try await store.put(StreamName.known("empty"), StreamOptions(expiry: .at(wallMilliseconds: 1 << 45)))
        _ = try await store.fork(StreamName.known("fork"), ForkRequest(source: name))
        try await store.add(StreamName.known("fork"), "of its own")
    }

    /// Two stores in one Redis.
    private func with(_ body: (RedisStreamStore, RedisStreamStore) async throws -> Void) async throws {
        let (source, target) = (try await open(), try await open())
        do {
            try await body(source, target)
        } catch {
            await source.close()
            await target.close()
            throw error
        }
        await source.close()
        await target.close()
    }

    @Test("are the same there, and copied again they are skipped")
    func same() async throws {
        try await with { source, target in
            try await fill(source)
            let outcomes = try await copy(source, target)
            #expect(outcomes.count == 5 && outcomes.values.allSatisfy { $0 == .created })
            try await expectTheSame(source, target)
            #expect(try await copy(source, target).values.allSatisfy { $0 == .same })
        }
    }

    @Test("that went on get what came since, with its offsets, and their readers are told")
    func extended() async throws {
        try await with { source, target in
            try await fill(source)
            _ = try await copy(source, target)
            let watcher = WatchRecorder()
            target.watch(name, watcher)
            for round in 0..<200 { try await source.add(name, "later \(round)") }
            try await source.add(name, "last", end: EndRequest(.done))
            #expect(try await copy(source, target)["s"] == .extended)
            try await expectTheSame(source, target)
            guard case .ended = try await target.append(name, AppendRequest(events: [EventBody("x")])) else {
                Issue.record("it has not ended")
                return
            }
            target.unwatch(name, watcher)
        }
    }

    @Test("that went their own way there stay as they are")
    func different() async throws {
        try await with { source, target in
            try await fill(source)
            _ = try await copy(source, target)
            let there = try await target.add(name, "only there")
            // In the same millisecond both would have the same offset, and offsets are what is compared.
            while try await source.serverTime() <= there.milliseconds {}
            try await source.add(name, "only here")
            let before = try await target.page(name).events
            #expect(try await copy(source, target)["s"] == .differs(.wentOn))
            #expect(try await target.page(name).events == before)
        }
    }

    @Test("keep what is remembered of producers, and of the request that ended them")
    func producers() async throws {
        try await with { source, target in
            _ = try await source.put(name)
            let first = AppendRequest(
                events: [EventBody("a")],
                producer: ProducerStamp(id: "p 1", epoch: 2, sequence: 0),
                sequence: "0007"
            )
            _ = try await source.append(name, first)
            let ended = StreamName.known("ended")
            _ = try await source.put(ended)
            let closing = AppendRequest(
                producer: ProducerStamp(id: "p", epoch: 0, sequence: 0),
                end: EndRequest(.done)
            )
            _ = try await source.append(ended, closing)
            _ = try await copy(source, target)
            for (name, request) in [(name, first), (ended, closing)] {
                guard case .duplicate = try await target.append(name, request) else {
                    Issue.record("a repetition on \(name) is not known as one")
                    return
                }
            }
            let late = AppendRequest(events: [EventBody("b")], sequence: "0006")
            #expect(try await target.append(name, late) == .sequenceRegression(last: "0007"))
        }
    }

    @Test("of which retention took the beginning, and copies that fell behind it, are what the source keeps")
    func retention() async throws {
        try await with { source, target in
            _ = try await source.put(name, StreamOptions(retention: Retention(events: 5)))
            for round in 0..<30 { try await source.add(name, "event \(round)") }
            #expect(try await copy(source, target) == ["s": .created])
            try await expectTheSame(source, target)
            for round in 30..<60 { try await source.add(name, "event \(round)") }
            #expect(try await copy(source, target) == ["s": .extended])
            try await expectTheSame(source, target)
        }
    }

    @Test("a new one goes on above all offsets that came with it")
    func offsets() async throws {
        try await with { source, target in
            try await fill(source)
            _ = try await copy(source, target)
            let tail = try #require(try await target.info(name)).tail
            #expect(try await target.add(name, "afterwards") > tail)
            let fork = StreamName.known("fork")
            #expect(try await target.remove(name, because: .deleted, born: nil) != nil)
            #expect(try await target.isSoftDeleted(name), "its fork is known to it")
            #expect(try await target.remove(fork, because: .deleted, born: nil) != nil)
            #expect(try await !target.isSoftDeleted(name))
        }
    }
}
