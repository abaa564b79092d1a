import CSQLite
import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("Streams copied from directory to directory", .timeLimit(.minutes(10)))
struct CopyTests {
    private let time = ManualTime()
    private let source = TemporaryDirectory()
    private let target = TemporaryDirectory()
    private let name = StreamName.known("s")

    private func open(_ directory: TemporaryDirectory) throws -> SQLiteStreamStore {
        var configuration = SQLiteStoreConfiguration(durability: .os)
        configuration.chunkBytes = 300
        return try SQLiteStreamStore(directory: directory.path, configuration: configuration, time: time)
    }

    /// Copies everything, and says what became of each stream.
    private func copy(page: PageLimit = PageLimit(events: 7)) async throws -> [String: ImportOutcome] {
        let export = try DirectoryExport(directory: source.path, time: time)
        let target = try DirectoryImport(directory: target.path, time: time)
        var outcomes: [String: ImportOutcome] = [:]
        var last: String?
        while true {
            let records = try await export.records(prefix: "", after: last, limit: 3)
            for record in records {
                outcomes[record.info.name.text] = try await target.take(record) { offset throws(StoreError) in
                    try await export.events(of: record, after: offset, limit: page)
                }
            }
            last = records.last?.info.name.text
            guard records.count == 3 else { break }
        }
        try await target.finish()
        return outcomes
    }

    /// What the store in a directory says of each stream, and all that can be read of it.
    private func everything(
        _ directory: TemporaryDirectory
    ) async throws -> [String: (info: StreamInfo, events: [StreamEvent], end: StreamEnd?)] {
        let store = try open(directory)
        var found: [String: (info: StreamInfo, events: [StreamEvent], end: StreamEnd?)] = [:]
        for info in try await store.list(prefix: "", after: nil, limit: 1000) {
            let page = try await store.page(info.name)
            found[info.name.text] = (info, page.events, page.end)
        }
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        return found
    }

    private func expectTheSame() async throws {
        let (from, to) = (try await everything(source), try await everything(target))
        #expect(from.keys.sorted() == to.keys.sorted())
        for (name, stream) in from {
            #expect(to[name]?.info == stream.info)
            #expect(to[name]?.events == stream.events)
            #expect(to[name]?.end == stream.end)
        }
    }

    /// Streams with one of everything.
    private func fill(_ store: SQLiteStreamStore) async throws {
        for round in 0..<40 {
            if round == 0 { _ = try await store.put(name) }
            try await store.add(name, "event \(round)", String(repeating: "-", count: round))
            time.advance(by: .milliseconds(7))
        }
        let typed = StreamName.known("typed")
        let options = StreamOptions(
            contentType: .eventStream,
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

    @Test("are the same there: names, options, births, floors, offsets, types, ends")
    func same() async throws {
        let store = try open(source)
        try await fill(store)
        await store.close()
        let outcomes = try await copy()
        #expect(Set(outcomes.keys) == ["s", "typed", "ended", "empty", "fork"])
        #expect(outcomes.values.allSatisfy { $0 == .created })
        try await expectTheSame()
    }

    @Test("give no offset a second time, whatever the clock says afterwards")
    func offsets() async throws {
        let store = try open(source)
        time.stepWall(by: 3_600_000)
        try await fill(store)
        let tail = try #require(try await store.info(name)).tail
        await store.close()
        time.stepWall(by: -7_200_000)
        _ = try await copy()
        let copied = try open(target)
        let next = try await copied.add(name, "afterwards")
        #expect(next > tail)
        let birth = try await copied.put(StreamName.known("later")).birth
        #expect(birth > tail)
        await copied.close()
    }

    @Test("copied again are skipped, and one that went on gets what came since")
    func again() async throws {
        var store = try open(source)
        try await fill(store)
        await store.close()
        _ = try await copy()
        #expect(try await copy().values.allSatisfy { $0 == .same })
        store = try open(source)
        try await store.add(name, "later", end: EndRequest(.done))
        _ = try await store.put(StreamName.known("new"))
        await store.close()
        let outcomes = try await copy()
        #expect(outcomes["s"] == .extended)
        #expect(outcomes["new"] == .created)
        #expect(outcomes.values.count { $0 == .same } == 4)
        try await expectTheSame()
    }

    @Test("that went their own way there stay as they are")
    func different() async throws {
        var store = try open(source)
        try await fill(store)
        await store.close()
        _ = try await copy()
        store = try open(target)
        try await store.add(name, "only there")
        try await store.add(StreamName.known("empty"), "only there too")
        await store.close()
        store = try open(source)
        try await store.add(name, "only here")
        for round in 0..<3 { try await store.add(StreamName.known("empty"), "\(round)") }
        await store.close()
        let before = try await everything(target)
        let outcomes = try await copy()
        #expect(outcomes["s"] == .differs(.wentOn))
        #expect(outcomes["empty"] == .differs(.wentOn))
        let after = try await everything(target)
        for name in ["s", "empty"] {
            #expect(after[name]?.info == before[name]?.info)
            #expect(after[name]?.events == before[name]?.events)
        }
    }

    @Test("of another birth are left alone")
    func otherBirth() async throws {
        for directory in [source, target] {
            let store = try open(directory)
            time.advance(by: .seconds(1))
            _ = try await store.put(name)
            await store.close()
        }
        #expect(try await copy() == ["s": .differs(.otherStream)])
    }

    @Test("keep what is remembered of producers: a repetition doubles nothing, and the next is accepted")
    func producers() async throws {
        let store = try open(source)
        _ = try await store.put(name)
        let first = AppendRequest(
            events: [EventBody("a")],
            producer: ProducerStamp(id: "p", epoch: 2, sequence: 0),
            sequence: "0007"
        )
        _ = try await store.append(name, first)
        let ended = StreamName.known("ended")
        _ = try await store.put(ended)
        let closing = AppendRequest(producer: ProducerStamp(id: "p", epoch: 0, sequence: 0), end: EndRequest(.done))
        _ = try await store.append(ended, closing)
        await store.close()
        _ = try await copy()
        let copied = try open(target)
        guard case .duplicate = try await copied.append(name, first) else {
            Issue.record("a repetition is not known as one")
            return
        }
        guard case .duplicate = try await copied.append(ended, closing) else {
            Issue.record("the repetition of an end is not known as one")
            return
        }
        let late = AppendRequest(events: [EventBody("b")], sequence: "0006")
        #expect(try await copied.append(name, late) == .sequenceRegression(last: "0007"))
        let next = AppendRequest(events: [EventBody("b")], producer: ProducerStamp(id: "p", epoch: 2, sequence: 1))
        guard case .appended = try await copied.append(name, next) else {
            Issue.record("the next append of a producer is refused")
            return
        }
        await copied.close()
    }

    @Test("keep their age: retention, time to live and the age of an end go on")
    func ages() async throws {
        let store = try open(source)
        _ = try await store.put(name, StreamOptions(retention: Retention(seconds: 100)))
        try await store.add(name, "old")
        time.advance(by: .seconds(60))
        try await store.add(name, "young")
        let idle = StreamName.known("idle")
        _ = try await store.put(idle, StreamOptions(expiry: .idle(seconds: 100)))
        time.advance(by: .seconds(30))
        await store.close()
        _ = try await copy()
        try await expectTheSame()
        time.advance(by: .seconds(20))
        let copied = try open(target)
        #expect(try await copied.texts(name) == ["young"])
        let kept = try await copied.kept(after: nil, limit: 10)
        #expect(kept.first { $0.info.name == idle }?.idle == .seconds(50))
        await copied.close()
    }

    @Test("of which retention takes the beginning are copied without it, and a copy that fell behind begins anew")
    func retention() async throws {
        var store = try open(source)
        _ = try await store.put(name, StreamOptions(retention: Retention(events: 5)))
        for round in 0..<30 { try await store.add(name, "event \(round)") }
        await store.close()
        #expect(try await copy(page: PageLimit(events: 1)) == ["s": .created])
        try await expectTheSame()
        store = try open(source)
        for round in 30..<60 { try await store.add(name, "event \(round)") }
        await store.close()
        #expect(try await copy() == ["s": .extended])
        try await expectTheSame()
    }

    @Test("keep the names of streams that are gone and have forks")
    func softDeleted() async throws {
        let store = try open(source)
        try await fill(store)
        #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
        await store.close()
        #expect(try await copy()["s"] == .created)
        try await expectTheSame()
        #expect(try await copy()["s"] == .same)
        let copied = try open(target)
        #expect(try await copied.isSoftDeleted(name))
        #expect(try await copied.remove(StreamName.known("fork"), because: .deleted, born: nil) != nil)
        #expect(try await !copied.isSoftDeleted(name))
        await copied.close()
    }

    @Test("whose producer died with its server end by themselves there too")
    func deadProducer() async throws {
        let store = try open(source)
        let streams = Streams(store: store, time: time)
        _ = try await streams.create(name, CreateRequest(options: StreamOptions()))
        let producer = try await streams.openProducer(name, label: nil) { _ in }
        #expect(producer != nil)
        await store.close()
        _ = try await copy()
        let copied = try open(target)
        let resumed = Streams(store: copied, time: time)
        try await resumed.resume()
        #expect(resumed.isProducing(name))
        time.advance(by: .seconds(61))
        try await resumed.sweep()
        #expect(try await resumed.info(name)?.end?.reason == .abandoned)
        await copied.close()
    }

    @Test("are refused while a server uses either directory, and a directory that is being copied takes no server")
    func inUse() async throws {
        let store = try open(source)
        let export = #expect(throws: DirectoryError.self) { try DirectoryExport(directory: source.path) }
        #expect(export?.description.contains("in use by a server. Stop it first") == true)
        #expect(throws: DirectoryError.self) { try DirectoryImport(directory: source.path) }
        await store.close()
        let held = try DirectoryExport(directory: source.path)
        // Two may read.
        _ = try DirectoryExport(directory: source.path)
        #expect(throws: DirectoryError.self) { try open(source) }
        _ = try await held.records(prefix: "", after: nil, limit: 1)
        let missing = #expect(throws: DirectoryError.self) { try DirectoryExport(directory: target.file("none")) }
        #expect(missing?.description.contains("There is no data directory") == true)
    }

    @Test("that fail half way are not there, and the next ones are")
    func half() async throws {
        let store = try open(source)
        try await fill(store)
        await store.close()
        try await copyHalf()
        #expect(try await everything(target).keys.sorted() == ["empty", "ended", "fork", "typed"])
        #expect(try await copy()["s"] == .created)
        try await expectTheSame()
    }

    /// Copies everything, but of one stream only its beginning.
    private func copyHalf() async throws {
        let export = try DirectoryExport(directory: source.path, time: time)
        let taking = try DirectoryImport(directory: target.path, time: time)
        let failure = StoreError.unavailable("The network is gone.")
        for record in try await export.records(prefix: "", after: nil, limit: 10) {
            let fails = record.info.name == name
            let asked = HowOften()
            func take() async throws -> ImportOutcome {
                try await taking.take(record) { offset throws(StoreError) in
                    if fails, asked.next() > 2 { throw failure }
                    return try await export.events(of: record, after: offset, limit: PageLimit(events: 3))
                }
            }
            if fails {
                await #expect(throws: failure) { try await take() }
            } else {
                #expect(try await take() == .created)
            }
        }
        try await taking.finish()
    }

    @Test("of a directory of an earlier version are read as they are")
    func earlierVersion() async throws {
        let store = try open(source)
        _ = try await store.put(name)
        try await store.add(name, "a", "b")
        await store.close()
        try EarlierVersion.make(3, of: source.file("freshet.db"))
        #expect(try await copy() == ["s": .created])
        let copied = try open(target)
        #expect(try await copied.texts(name) == ["a", "b"])
        await copied.close()
    }
}
