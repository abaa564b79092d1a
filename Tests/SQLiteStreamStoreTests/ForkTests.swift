import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("Forks in the SQLite store", .timeLimit(.minutes(10)))
struct ForkTests {
    private let source = StreamName.known("source")
    private let fork = StreamName.known("fork")

    /// A store whose streams soon have many chunks.
    private static func open(
        _ directory: TemporaryDirectory,
        bytes: Int? = nil,
        sealAfter: Duration = .zero
    ) throws -> SQLiteStreamStore {
        var configuration = SQLiteStoreConfiguration(durability: .os)
        configuration.chunkBytes = 1000
        configuration.sealAfter = sealAfter
        if let bytes { configuration.limits.bytes = bytes }
        return try SQLiteStreamStore(directory: directory.path, configuration: configuration)
    }

    private func fill(_ store: SQLiteStreamStore, events: Int = 60) async throws {
        _ = try await store.put(source, StreamOptions(contentType: ContentType("text/plain")!))
        let chunks = store.counters.chunksSealed
        for round in 0..<events { try await store.add(source, String(repeating: "\(round)-", count: 40)) }
        while store.counters.hotRows > 0 { await Task.yield() }
        #expect(store.counters.chunksSealed > chunks)
    }

    private func remove(_ name: StreamName, _ store: SQLiteStreamStore) async throws -> Bool {
        try await store.remove(name, because: .deleted, born: nil) != nil
    }

    @Test("at every event of a source of many chunks it holds what the source held there")
    func everyPoint() async throws {
        let directory = TemporaryDirectory()
        let store = try Self.open(directory)
        try await fill(store)
        // The last ones are in no chunk.
        try await store.add(source, "a", "b", "c")
        let log = try await store.page(source).events
        for index in 0..<log.count - 1 {
            for beyond in [0, 1] {
                let name = StreamName.known("at-\(index)-\(beyond)")
                let request = ForkRequest(source: source, point: .after(log[index].offset), beyond: beyond)
                let info = try await store.fork(name, request)
                let shared = Array(log.prefix(index + 1))
                let page = try await store.page(name)
                #expect(Array(page.events.prefix(index + 1)) == shared)
                #expect(page.events.count == index + 1 + beyond)
                #expect(info.events == page.events.count)
                #expect(info.bytes == page.events.reduce(0) { $0 + $1.body.size })
            }
        }
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
    }

    @Test("it may leave its source between what is in a chunk and what is in none yet")
    func edgeOfChunks() async throws {
        let directory = TemporaryDirectory()
        let store = try Self.open(directory, sealAfter: .seconds(3600))
        _ = try await store.put(source, StreamOptions(contentType: ContentType("text/plain")!))
        try await store.add(source, String(repeating: "x", count: 2000))
        while store.counters.chunksSealed == 0 { await Task.yield() }
        try await store.add(source, "y")
        let log = try await store.page(source).events
        for beyond in [0, 1] {
            let name = StreamName.known("beyond-\(beyond)")
            _ = try await store.fork(name, ForkRequest(source: source, point: .after(log[0].offset), beyond: beyond))
            #expect(try await store.page(name).events.map(\.body) == log.prefix(1 + beyond).map(\.body))
        }
        await store.close()
    }

    @Test("it and the name of a source that is gone survive a restart, and the last fork takes all of them along")
    func restart() async throws {
        let directory = TemporaryDirectory()
        var store = try Self.open(directory)
        try await fill(store)
        let middle = StreamName.known("middle")
        _ = try await store.fork(middle, ForkRequest(source: source))
        let made = try await store.fork(fork, ForkRequest(source: middle))
        try await store.add(fork, "mine")
        #expect(try await remove(source, store))
        #expect(try await remove(middle, store))
        let log = try await store.page(fork)
        for _ in 0..<2 {
            await store.close()
            store = try Self.open(directory)
            #expect(try await store.page(fork).events == log.events)
            #expect(try await store.info(fork)?.forkedFrom == made.forkedFrom)
            for name in [source, middle] {
                #expect(try await store.isSoftDeleted(name))
                guard case .gone = try await store.create(name, CreateRequest(options: StreamOptions())) else {
                    throw UnexpectedOutcome("\(name) was made anew")
                }
            }
        }
        let copy = TemporaryDirectory()
        try SQLiteStreamStore.backUp(directory: directory.path, to: copy.file("freshet.db"))
        #expect(try SQLiteStreamStore.check(directory: copy.path).problems == [])
        let restored = try Self.open(copy)
        #expect(try await restored.isSoftDeleted(source))
        await restored.close()
        #expect(try await remove(fork, store))
        for name in [source, middle] { #expect(try await !store.isSoftDeleted(name)) }
        await store.close()
        store = try Self.open(directory)
        for name in [source, middle] {
            #expect(try await !store.isSoftDeleted(name))
            _ = try await store.put(name)
        }
        await store.close()
        let report = try SQLiteStreamStore.check(directory: directory.path)
        #expect(report.problems == [] && report.streams == 2)
    }

    @Test("a source that is gone opens again when some of its appends are gone and others are not")
    func tombstoneWithAppends() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        let other = StreamName.known("other")
        _ = try await store.put(source)
        _ = try await store.put(other)
        try await store.add(source, "1")
        try await store.add(other, "keeps the row before and after it apart")
        try await store.add(source, "2")
        _ = try await store.fork(fork, ForkRequest(source: source))
        #expect(try await remove(source, store))
        // The first row of appends is the source's alone, the second is needed, and so the third stays behind it.
        while store.counters.hotRows > 2 { await Task.yield() }
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        let again = try SQLiteStreamStore(directory: directory.path)
        #expect(try await again.texts(fork) == ["1", "2"])
        #expect(try await again.isSoftDeleted(source))
        await again.close()
    }

    @Test("its copy counts into the bounds of the store, and goes with it")
    func bounds() async throws {
        let directory = TemporaryDirectory()
        let store = try Self.open(directory, bytes: 20_000)
        try await fill(store)
        await #expect(throws: StoreError.full(.bytes)) { try await store.fork(fork, ForkRequest(source: source)) }
        #expect(try await remove(source, store))
        #expect(try await !store.isSoftDeleted(source))
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
    }

    @Test("retention of its own takes from its copy and nothing from the source")
    func retention() async throws {
        let directory = TemporaryDirectory()
        var store = try Self.open(directory)
        try await fill(store)
        let options = StreamOptions(retention: Retention(events: 5))
        let request = CreateRequest(options: options, fork: ForkRequest(source: source))
        guard case .created = try await store.create(fork, request) else { throw UnexpectedOutcome("no fork") }
        for _ in 0..<2 {
            let page = try await store.page(fork)
            #expect(page.events.count == 5 && page.standing == .belowFloor)
            #expect(try await store.page(source).events.count == 60)
            // What was taken is deleted, and the source's chunks are not.
            while store.counters.chunksDeleted == 0 { await Task.yield() }
            await store.close()
            #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
            store = try Self.open(directory)
            try await store.add(fork, "one more")
            guard try await store.info(fork)?.floor == page.floor else { break }
        }
        await store.close()
    }

    @Test("a source that is damaged is not forked where that shows, and nobody else is disturbed")
    func damage() async throws {
        let directory = TemporaryDirectory()
        var store = try Self.open(directory)
        try await fill(store)
        let sixth = try await store.page(source).events[5].offset
        await store.close()
        var bytes = try directory.bytes(of: "freshet.db")
        // The sixth event's text, in some chunk.
        let text = Array("5-5-5-5-".utf8)
        let place = try #require(bytes.indices.first { bytes[$0...].starts(with: text) })
        bytes[place] ^= 1
        try directory.write(bytes, to: "freshet.db")
        store = try Self.open(directory)
        do {
            _ = try await store.fork(fork, ForkRequest(source: source))
            Issue.record("a fork of what is damaged")
        } catch let error as StoreError {
            guard case .damaged(let text) = error else { throw error }
            #expect(text.contains("the stream \(source), up to"))
        }
        #expect(try await store.info(fork) == nil)
        try await store.add(source, "goes on")
        _ = try await store.put(StreamName.known("other"))
        // The point lies in the chunk that is damaged, too.
        await #expect(throws: StoreError.self) {
            try await store.fork(fork, ForkRequest(source: source, point: .after(sixth)))
        }
        await store.close()
    }

    @Test(
        "a directory of an earlier version is taken over, and is then refused by that version",
        arguments: [1, 2]
    )
    func earlierVersion(version: Int) async throws {
        let directory = TemporaryDirectory()
        var store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(source)
        try await store.add(source, "kept")
        await store.close()
        #expect(try Self.version(directory) == 4)
        try EarlierVersion.make(version, of: directory.file("freshet.db"))
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        store = try SQLiteStreamStore(directory: directory.path)
        #expect(try await store.texts(source) == ["kept"])
        _ = try await store.fork(fork, ForkRequest(source: source))
        let fields = [StreamOptions.ResponseField(name: "x-a", value: "1")]
        let named = StreamName.known("with fields")
        _ = try await store.create(named, CreateRequest(options: StreamOptions(responseFields: fields)))
        await store.close()
        #expect(try Self.version(directory) == 4)
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        store = try SQLiteStreamStore(directory: directory.path)
        #expect(try await store.info(named)?.options.responseFields == fields)
        #expect(try await store.info(fork)?.options.responseFields == [])
        await store.close()
    }

    private static func version(_ directory: TemporaryDirectory) throws -> Int {
        // Byte 60 of a database: the user version, big-endian.
        Int(try directory.bytes(of: "freshet.db")[63])
    }
}
