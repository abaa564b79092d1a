import Foundation
import Locks
import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("The writer of the SQLite store", .timeLimit(.minutes(10)))
struct WriterTests {
    private let name = StreamName.known("s")

    @Test("commits at once when it is idle, and together what comes together")
    func groups() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        for round in 0..<20 { try await store.add(name, "\(round)") }
        // One after the other, nothing can share a commit.
        #expect(store.counters.commits == 21)
        #expect(store.syncTimes.count >= 21 && store.syncTimes.sum > .zero, "each of them is timed")
        // On a busy machine they may come one by one, but not each time.
        var commits = 0
        for attempt in 1...10 {
            let before = store.counters.commits
            await withThrowingTaskGroup { group in
                for round in 0..<500 { group.addTask { try await store.add(name, "\(round)") } }
            }
            #expect(store.counters.events == 20 + 500 * attempt)
            commits = store.counters.commits - before
            if commits <= 250 { break }
        }
        #expect(commits <= 250, "500 appends at once came in \(commits) commits")
        await store.close()
    }

    @Test("seals what is large or ended, and keeps no hot row that nothing needs")
    func seals() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        let event = EventBody(data: Array(repeating: 1, count: 4000))
        for _ in 0..<30 { _ = try await store.append(name, AppendRequest(events: [event])) }
        try await store.add(name, end: EndRequest(.done))
        // The writer does the rest by itself, a bounded piece at a time.
        while store.counters.hotRows > 0 { await Task.yield() }
        #expect((4...6).contains(store.counters.chunksSealed))
        let page = try await store.page(name)
        #expect(page.events.count == 30 && page.end?.reason == .done)
        await store.close()
    }

    @Test("seals what comes in the same millisecond in which it sealed what came before")
    func sealsTwiceInOneMillisecond() async throws {
        let directory = TemporaryDirectory()
        var configuration = SQLiteStoreConfiguration()
        configuration.sealAfter = .zero
        // A clock that stands still.
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration, time: ManualTime())
        _ = try await store.put(name)
        for round in 1...3 {
            try await store.add(name, "\(round)")
            while store.counters.hotRows > 0 { await Task.yield() }
            #expect(store.counters.chunksSealed == round)
        }
        await store.close()
    }

    @Test("gives the space of what is gone back to the file system")
    func shrinks() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        let event = EventBody(data: Array(repeating: 1, count: 100_000))
        for round in 0..<20 {
            let name = StreamName.known("\(round)")
            let events = Array(repeating: event, count: 10)
            _ = try await store.create(
                name,
                CreateRequest(options: StreamOptions(), events: EventBatch(events), end: EndRequest(.done))
            )
        }
        while store.counters.hotRows > 0 { await Task.yield() }
        for round in 0..<20 { _ = try await store.remove(.known("\(round)"), because: .expired, born: nil) }
        // Of the 20 MB that were kept 18.9 are given back; what the rest of the database takes stays.
        while store.counters.freedPages < 4608 { await Task.yield() }
        await store.close()
        #expect(directory.size(of: "freshet.db") < 4_000_000)
    }

    @Test("refuses what a full disk cannot hold, harms nothing, and goes on when there is room")
    func fullDisk() async throws {
        let directory = TemporaryDirectory()
        var configuration = SQLiteStoreConfiguration()
        configuration.maximumPages = 300
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration)
        let other = StreamName.known("other")
        _ = try await store.put(name)
        _ = try await store.put(other)
        let event = EventBody(data: Array(repeating: 1, count: 30_000))
        var kept = 0
        do {
            while kept < 1000 {
                _ = try await store.append(name, AppendRequest(events: [event]))
                kept += 1
            }
        } catch {
            #expect(error == .full(.disk))
        }
        #expect((5...40).contains(kept))
        #expect(try await store.info(name)?.events == kept)
        await #expect(throws: StoreError.full(.disk)) {
            try await store.append(other, AppendRequest(events: [event, event]))
        }
        #expect(try await store.info(other)?.events == 0)
        #expect(try await store.remove(name, because: .expired, born: nil) != nil)
        // Whoever tries again at once must not keep the deleting from being done.
        var isKept = false
        for _ in 0..<10 where !isKept {
            isKept = (try? await store.append(other, AppendRequest(events: [event, event]))) != nil
        }
        #expect(isKept)
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        let again = try SQLiteStreamStore(directory: directory.path)
        #expect(try await again.info(other)?.events == 2)
        await again.close()
    }

    @Test("confirms what it has kept also beside what a full disk cannot hold")
    func confirmsBesideAFullDisk() async throws {
        let directory = TemporaryDirectory()
        var configuration = SQLiteStoreConfiguration()
        configuration.maximumPages = 300
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration)
        let name = name
        _ = try await store.put(name)
        try await store.add(name, "kept")
        // Larger than the disk.
        let request = AppendRequest(events: [EventBody(data: Array(repeating: 1, count: 1_500_000))])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    let error = await #expect(throws: StoreError.self) { _ = try await store.append(name, request) }
                    #expect(error == StoreError.full(.disk))
                }
                group.addTask { try await store.confirm() }
            }
            try await group.waitForAll()
        }
        #expect(try await store.texts(name) == ["kept"])
        await store.close()
    }

    @Test("leaves a reserve of the disk free, to which ends and deletes may go but no new data")
    func reserve() async throws {
        let free = Mutex(1 << 30)
        var configuration = SQLiteStoreConfiguration()
        configuration.room = { _ in DiskRoom(free: free.withLock(\.self), total: 10 << 30) }
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration)
        let other = StreamName.known("other")
        _ = try await store.put(name)
        _ = try await store.put(other)
        try await store.add(name, "kept")
        free.withLock { $0 = 64 << 20 }
        await #expect(throws: StoreError.full(.disk)) { try await store.add(name, "refused") }
        await #expect(throws: StoreError.full(.disk)) { _ = try await store.put(StreamName.known("new")) }
        _ = try await store.append(other, AppendRequest(end: EndRequest(.cancelled)))
        #expect(try await store.info(other)?.end?.reason == .cancelled)
        #expect(try await store.remove(other, because: .deleted, born: nil) != nil)
        #expect(try await store.texts(name) == ["kept"])
        free.withLock { $0 = 1 << 30 }
        try await store.add(name, "again")
        #expect(try await store.texts(name) == ["kept", "again"])
        await store.close()
    }

    @Test("makes files that nobody else may read, copies included", arguments: [0o755, 0o700])
    func privacy(mode: Int) async throws {
        let directory = TemporaryDirectory()
        let files = FileManager.default
        try files.setAttributes([.posixPermissions: mode], ofItemAtPath: directory.path)
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        try SQLiteStreamStore.backUp(directory: directory.path, to: directory.file("copy"))
        for file in ["freshet.db", "freshet.db-wal", "freshet.db-shm", "offset-mark", "copy"] {
            let found = try files.attributesOfItem(atPath: directory.file(file))[.posixPermissions] as? Int
            #expect(found == 0o600, "\(file)")
        }
        await store.close()
    }

    @Test("keeps what was acknowledged when the process dies, and gives no offset a second time")
    func death() async throws {
        let directory = TemporaryDirectory()
        let time = ManualTime()
        let store = try SQLiteStreamStore(directory: directory.path, time: time)
        _ = try await store.put(name)
        for round in 0..<30 { try await store.add(name, "\(round)") }
        let dead = try directory.copy()
        let lost = try await store.add(name, "acknowledged by another machine's disk")
        // As after a restore from an image of the disk: the last event is gone, and the clock is wrong as well.
        time.stepWall(by: -5000)
        let again = try SQLiteStreamStore(directory: dead.path, time: time)
        #expect(try await again.texts(name) == (0..<30).map(String.init))
        #expect(try await again.add(name, "next") > lost)
        await again.close()
        await store.close()
    }
}
