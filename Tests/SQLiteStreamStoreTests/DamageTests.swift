import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("A damaged data directory", .timeLimit(.minutes(10)))
struct DamageTests {
    /// Streams of all kinds: sealed, unsealed, ended, trimmed, with producers, a fork of one that is gone. What each
    /// holds, by name.
    private static func fill(_ directory: TemporaryDirectory) async throws -> Truth {
        var configuration = SQLiteStoreConfiguration()
        configuration.chunkBytes = 3000
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration)
        for index in 0..<6 {
            var options = StreamOptions()
            if index == 1 { options.retention.events = 40 }
            _ = try await store.put(.known("s\(index)"), options)
        }
        for round in 0..<60 {
            for index in 0..<6 {
                let text = "s\(index) " + String(repeating: "\(round) ", count: 40)
                let stamp = index == 2 ? ProducerStamp(id: "p", epoch: 0, sequence: UInt64(round)) : nil
                let request = AppendRequest(events: [EventBody(text)], producer: stamp)
                _ = try await store.append(.known("s\(index)"), request)
            }
        }
        try await store.add(.known("s3"), end: EndRequest(.failed, detail: "as planned"))
        _ = try await store.fork(.known("s6"), ForkRequest(source: .known("s5")))
        try await store.add(.known("s6"), "of the fork alone")
        _ = try await store.remove(.known("s5"), because: .deleted, born: nil)
        // Not everything is in chunks; a writer at rest writes nothing more.
        while store.counters.chunksSealed < 10 { await Task.yield() }
        let truth = try await Truth(store)
        await store.close()
        return truth
    }

    @Test(
        "tells of every flipped byte and cut file, or holds everything; never a wrong event, gap or end",
        arguments: 0..<Scale.damageRuns
    )
    func damage(seed: UInt64) async throws {
        let original = TemporaryDirectory()
        let truth = try await Self.fill(original)
        let whole = try original.bytes(of: "freshet.db")
        var random = SeededRandom(seed: 7 + seed)
        var refused = 0
        var told = 0
        var unharmed = 0
        for _ in 0..<200 {
            let copy = TemporaryDirectory()
            var bytes = whole
            let what: String
            if Int.random(in: 0..<6, using: &random) == 0 {
                let length = Int.random(in: 0..<bytes.count, using: &random)
                bytes.removeLast(bytes.count - length)
                what = "cut to \(length)"
            } else {
                let position = Int.random(in: 0..<bytes.count, using: &random)
                let count = [1, 1, 8, 512].randomElement(using: &random) ?? 1
                for index in position..<min(position + count, bytes.count) {
                    bytes[index] ^= UInt8.random(in: 1...255, using: &random)
                }
                what = "\(count) at \(position)"
            }
            try copy.write(bytes, to: "freshet.db")
            try copy.write(try original.bytes(of: "offset-mark"), to: "offset-mark")
            do {
                let store = try SQLiteStreamStore(directory: copy.path)
                let failures = try await truth.verify(store, what)
                await store.close()
                if failures > 0 { told += 1 } else { unharmed += 1 }
                let report = try SQLiteStreamStore.check(directory: copy.path)
                #expect(failures == 0 || !report.problems.isEmpty, "\(what): check finds what readers were told")
            } catch let error as DirectoryError {
                #expect(error.description.contains(copy.path), "\(what): \(error)")
                refused += 1
            }
        }
        #expect(refused > 0 && told > 0 && unharmed > 0)
    }

    @Test("a log that was cut or flipped gives an earlier state, whole, or a refusal", arguments: 0..<Scale.damageRuns)
    func damagedLog(seed: UInt64) async throws {
        let original = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: original.path)
        let name = StreamName.known("s")
        _ = try await store.put(name)
        for round in 0..<80 { try await store.add(name, "\(round)") }
        let dead = try original.copy()
        let truth = try await Truth(store)
        await store.close()
        let log = try dead.bytes(of: "freshet.db-wal")
        var random = SeededRandom(seed: 3 + seed)
        for _ in 0..<50 {
            let copy = try dead.copy()
            var bytes = log
            if Bool.random(using: &random) {
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random))
            } else {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] ^= 0x55
            }
            try copy.write(bytes, to: "freshet.db-wal")
            let opened: SQLiteStreamStore
            do { opened = try SQLiteStreamStore(directory: copy.path) } catch { continue }
            // What is there is the beginning of what was.
            if let page = try await opened.read(name, from: .start, limit: PageLimit()) {
                #expect(page.events == Array(truth.streams[name]!.events.prefix(page.events.count)))
                #expect(page.end == nil)
                // And what was lost leaves no id behind that is given out again.
                let next = try await opened.add(name, "new")
                #expect(truth.streams[name]!.events.allSatisfy { $0.offset < next })
            }
            await opened.close()
        }
    }

    @Test("an offset mark that is damaged is refused, one that is missing is not")
    func damagedMark() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        let name = StreamName.known("s")
        let tail = try await store.put(name).birth
        await store.close()
        try directory.write(Array(repeating: 9, count: 1024), to: "offset-mark")
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.path) }
        #expect(error?.description.contains("offset-mark") == true)
        let copy = TemporaryDirectory()
        try copy.write(try directory.bytes(of: "freshet.db"), to: "freshet.db")
        let restored = try SQLiteStreamStore(directory: copy.path)
        #expect(try await restored.add(name, "x") > tail)
        await restored.close()
    }
}

/// What a store held before it was damaged.
struct Truth {
    var streams: [StreamName: (info: StreamInfo, events: [StreamEvent])] = [:]

    init(_ store: some StreamStore) async throws {
        for info in try await store.list(prefix: "", after: nil, limit: 1000) {
            let page = try #require(
                try await store.read(info.name, from: .start, limit: PageLimit(events: .max, bytes: .max))
            )
            streams[info.name] = (info, page.events)
        }
    }

    /// How many streams could not be read; what can be read must be what was there.
    func verify(_ store: SQLiteStreamStore, _ what: String) async throws -> Int {
        var failures = 0
        let names = try await store.list(prefix: "", after: nil, limit: 1000).map(\.name)
        #expect(names == streams.keys.sorted { $0.text < $1.text }, "\(what): all streams are there")
        for (name, truth) in streams {
            let info = try #require(try await store.info(name))
            // Retention cannot pass a chunk that cannot be read: more is kept then, never less.
            #expect(info == truth.info || info.floor < truth.info.floor, "\(what): \(name)")
            var events: [StreamEvent] = []
            var position = ReadPosition.after(truth.info.floor)
            do {
                while true {
                    let limit = PageLimit(events: 7)
                    let page = try #require(try await store.read(name, from: position, limit: limit))
                    events += page.events
                    #expect(page.standing == .exact, "\(what): \(name) has no gap")
                    #expect(page.end == nil || page.isAtTail, "\(what): the end of \(name) is at its end")
                    if page.isAtTail { break }
                    position = .after(page.last)
                }
                #expect(events == truth.events, "\(what): the events of \(name)")
            } catch let error as StoreError {
                failures += 1
                guard case .damaged(let text) = error else { throw error }
                #expect(text.contains("\(name)") && text.contains("after"), "\(what): \(text)")
                #expect(events == Array(truth.events.prefix(events.count)), "\(what): what came before, of \(name)")
            }
        }
        return failures
    }
}
