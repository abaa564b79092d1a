import Foundation
import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

/// Something that happens to a directory while a server uses it.
struct Mishap: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What the reason says of it.
    let says: String
    let happen: @Sendable (TemporaryDirectory) throws -> Void

    static let all: [Mishap] = [
        Mishap(testDescription: "its lock file is deleted", says: "/lock was deleted") { try $0.remove("lock") },
        Mishap(testDescription: "its lock file is replaced", says: "/lock was replaced") { try $0.replace("lock") },
        Mishap(testDescription: "its database is deleted", says: "/freshet.db was deleted") {
            try $0.remove("freshet.db")
        },
        Mishap(testDescription: "its database is replaced", says: "/freshet.db was replaced") {
            try $0.replace("freshet.db")
        },
        Mishap(testDescription: "its write-ahead log is deleted", says: "/freshet.db-wal was deleted") {
            try $0.remove("freshet.db-wal")
        },
        Mishap(testDescription: "its shared memory is deleted", says: "/freshet.db-shm was deleted") {
            try $0.remove("freshet.db-shm")
        },
        Mishap(testDescription: "its mark is replaced", says: "/offset-mark was replaced") {
            try $0.replace("offset-mark")
        },
        Mishap(testDescription: "it is deleted", says: "was deleted or moved") {
            try FileManager.default.removeItem(atPath: $0.path)
        },
        Mishap(testDescription: "it is moved away", says: "was deleted or moved") {
            try FileManager.default.moveItem(atPath: $0.path, toPath: $0.path + "-moved")
        },
        Mishap(testDescription: "it is moved away, and an empty one is put in its place", says: "was replaced") {
            try FileManager.default.moveItem(atPath: $0.path, toPath: $0.path + "-moved")
            try FileManager.default.createDirectory(atPath: $0.path, withIntermediateDirectories: false)
        },
    ]
}

extension TemporaryDirectory {
    func remove(_ name: String) throws { try FileManager.default.removeItem(atPath: file(name)) }

    /// Another file with the same bytes.
    func replace(_ name: String) throws {
        let bytes = try bytes(of: name)
        try write(bytes, to: name + "-new")
        guard rename(file(name + "-new"), file(name)) == 0 else { throw UnexpectedOutcome("\(name) was not replaced") }
    }
}

@Suite("A data directory in use", .timeLimit(.minutes(10)))
struct LossTests {
    private let name = StreamName.known("s")
    private let directory = TemporaryDirectory()

    @Test("acknowledges nothing from the moment when", arguments: Mishap.all)
    func noAcknowledgement(mishap: Mishap) async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        try await store.add(name, "kept")
        #expect(store.failure == nil)
        try mishap.happen(directory)
        // The very next one, whether or not a checkpoint was between.
        let error = await #expect(throws: StoreError.self) { try await store.add(name, "lost") }
        guard case .unavailable(let reason) = error else { throw UnexpectedOutcome("\(String(describing: error))") }
        #expect(reason.contains(mishap.says) && reason.contains("Stop this server"))
        #expect(store.failure == reason)
        await #expect(throws: StoreError.unavailable(reason)) { _ = try await store.put(.known("t")) }
        await #expect(throws: StoreError.unavailable(reason)) {
            _ = try await store.remove(name, because: .deleted, born: nil)
        }
        await #expect(throws: StoreError.unavailable(reason)) { _ = try await store.texts(name) }
        await #expect(throws: StoreError.unavailable(reason)) { _ = try await store.info(name) }
        await #expect(throws: StoreError.unavailable(reason)) {
            _ = try await store.list(prefix: "", after: nil, limit: 9)
        }
        await store.close()
        try? FileManager.default.removeItem(atPath: directory.path + "-moved")
    }

    @Test("acknowledges nothing again that it acknowledged before", arguments: Mishap.all, [true, false])
    func noRepetition(mishap: Mishap, creates: Bool) async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        // The second time nothing is written, and nothing is left to do.
        let same = CreateRequest(options: StreamOptions())
        _ = try await store.create(name, same)
        _ = try await store.create(name, same)
        try await store.confirm()
        try mishap.happen(directory)
        let error = await #expect(throws: StoreError.self) {
            if creates { _ = try await store.create(name, same) } else { try await store.confirm() }
        }
        guard case .unavailable(let reason) = error else { throw UnexpectedOutcome("\(String(describing: error))") }
        #expect(reason.contains(mishap.says))
        #expect(store.failure == reason)
        await #expect(throws: StoreError.unavailable(reason)) { try await store.confirm() }
        await store.close()
        try? FileManager.default.removeItem(atPath: directory.path + "-moved")
    }

    @Test("is looked at when nobody asks for anything, and those who follow a stream read again", arguments: Mishap.all)
    func noticed(mishap: Mishap) async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        let recorder = WatchRecorder()
        store.watch(name, recorder)
        try mishap.happen(directory)
        await recorder.wait { $0.words == ["ready", "broken", "ready"] }
        #expect(store.failure?.contains(mishap.says) == true)
        await store.close()
        try? FileManager.default.removeItem(atPath: directory.path + "-moved")
    }

    @Test("is refused to a second server also where its lock file is gone")
    func secondServer() async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        try directory.remove("lock")
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.path) }
        #expect(error?.description.contains("in use by another server") == true)
        await store.close()
        await (try SQLiteStreamStore(directory: directory.path)).close()
    }

    @Test("that was replaced belongs to the server that was started there, whose files the first one leaves alone")
    func successor() async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        try await store.add(name, "first")
        try FileManager.default.moveItem(atPath: directory.path, toPath: directory.path + "-moved")
        defer { try? FileManager.default.removeItem(atPath: directory.path + "-moved") }
        let second = try SQLiteStreamStore(directory: directory.path)
        _ = try await second.put(name)
        try await second.add(name, "second")
        while store.failure == nil { await Task.yield() }
        await store.close()
        #expect(directory.size(of: "freshet.db-wal") > 0)
        try await second.add(name, "third")
        // As after a crash.
        let copy = try directory.copy()
        await second.close()
        let found = try SQLiteStreamStore(directory: copy.path)
        #expect(try await found.texts(name) == ["second", "third"])
        await found.close()
        // What was acknowledged before is where it was moved to.
        let moved = try SQLiteStreamStore(directory: directory.path + "-moved")
        #expect(try await moved.texts(name) == ["first"])
        await moved.close()
    }

    @Test("whose write-ahead log is gone has in the database what was acknowledged before")
    func rescue() async throws {
        var configuration = SQLiteStoreConfiguration()
        configuration.checkpointInterval = .seconds(3600)
        let store = try SQLiteStreamStore(directory: directory.path, configuration: configuration)
        _ = try await store.put(name)
        for round in 0..<20 { try await store.add(name, "\(round)") }
        try directory.remove("freshet.db-wal")
        while store.failure == nil { await Task.yield() }
        // As after a crash.
        let copy = try directory.copy()
        let found = try SQLiteStreamStore(directory: copy.path)
        #expect(try await found.texts(name) == (0..<20).map(String.init))
        await found.close()
        await store.close()
    }

    @Test("is copied, checked, read and closed by others without being taken for lost")
    func others() async throws {
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        for round in 0..<60 {
            try await store.add(name, "\(round)")
            guard round % 30 == 15 else { continue }
            #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
            let copy = TemporaryDirectory()
            try SQLiteStreamStore.backUp(directory: directory.path, to: copy.file("freshet.db"))
        }
        #expect(store.failure == nil)
        await store.close()
    }
}
