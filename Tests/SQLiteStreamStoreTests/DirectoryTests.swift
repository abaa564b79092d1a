import CSQLite
import Foundation
import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("A data directory", .timeLimit(.minutes(10)))
struct DirectoryTests {
    private let name = StreamName.known("s")

    @Test("is used by one server at a time, and free again when that one is gone")
    func lock() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.path) }
        #expect(error?.description.contains("in use by another server (process ") == true)
        #expect(error?.description.contains("--data") == true)
        await store.close()
        await #expect(throws: StoreError.unavailable("The store is closed.")) { _ = try await store.put(name) }
        let again = try SQLiteStreamStore(directory: directory.path)
        await again.close()
    }

    @Test("is free again also where a child of this process holds the files it was begun with")
    func inheritedLock() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        // A child has these until it runs its own program.
        let inherited = try ["", "lock"].map { try #require(try Self.copy(ofOpen: directory.file($0))) }
        defer { for file in inherited { close(file) } }
        await store.close()
        await (try SQLiteStreamStore(directory: directory.path)).close()
    }

    /// Another descriptor of what this process has open at a path.
    private static func copy(ofOpen path: String) throws -> Int32? {
        var wanted = stat()
        try #require(stat(path, &wanted) == 0)
        // The other tests of this process may have thousands open.
        let open = (Int32(3)..<min(getdtablesize(), 1 << 20)).first { file in
            var found = stat()
            return fstat(file, &found) == 0 && found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino
        }
        return open.map { dup($0) }
    }

    @Test("of a newer version is refused, and so is a database that is not ours")
    func versions() async throws {
        let directory = TemporaryDirectory()
        await (try SQLiteStreamStore(directory: directory.path)).close()
        try Self.execute(directory.file("freshet.db"), "PRAGMA user_version=5")
        let newer = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.path) }
        #expect(newer?.description.contains("newer Freshet (format 5") == true)
        let foreign = TemporaryDirectory()
        try Self.execute(foreign.file("freshet.db"), "CREATE TABLE mine (id INTEGER)")
        #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: foreign.path) }
    }

    @Test("that cannot be made is refused with the reason")
    func unmakeable() throws {
        let directory = TemporaryDirectory()
        try directory.write([], to: "file")
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.file("file/x")) }
        #expect(error?.description.contains("cannot be made") == true)
    }

    @Test("whose database was taken away is refused")
    func missingDatabase() async throws {
        let directory = TemporaryDirectory()
        await (try SQLiteStreamStore(directory: directory.path)).close()
        let copy = TemporaryDirectory()
        try copy.write(try directory.bytes(of: "offset-mark"), to: "offset-mark")
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: copy.path) }
        #expect(error?.description.contains("Restore a backup") == true)
        try copy.write([], to: "freshet.db")
        #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: copy.path) }
    }

    @Test("whose database is a link to another place is refused, wherever that leads", arguments: [true, false])
    func linkedDatabase(isThere: Bool) async throws {
        let elsewhere = TemporaryDirectory()
        if isThere { await (try SQLiteStreamStore(directory: elsewhere.path)).close() }
        let directory = TemporaryDirectory()
        try FileManager.default.createSymbolicLink(
            atPath: directory.file("freshet.db"),
            withDestinationPath: elsewhere.file("freshet.db")
        )
        let error = #expect(throws: DirectoryError.self) { try SQLiteStreamStore(directory: directory.path) }
        #expect(error?.description.contains("freshet.db is a symbolic link") == true)
        #expect(error?.description.contains("--data") == true)
        await (try SQLiteStreamStore(directory: elsewhere.path)).close()
    }

    @Test("that is itself a link is used")
    func linkedDirectory() async throws {
        let directory = TemporaryDirectory()
        let link = directory.path + "-link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: directory.path)
        defer { try? FileManager.default.removeItem(atPath: link) }
        let store = try SQLiteStreamStore(directory: link)
        _ = try await store.put(name)
        await store.close()
    }

    @Test("is copied while it is in use, and the copy opens as it was")
    func backup() async throws {
        let directory = TemporaryDirectory()
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        for round in 0..<50 { try await store.add(name, "\(round)") }
        let copy = TemporaryDirectory()
        try SQLiteStreamStore.backUp(directory: directory.path, to: copy.file("freshet.db"))
        try await store.add(name, "later")
        #expect(throws: DirectoryError.self) {
            try SQLiteStreamStore.backUp(directory: directory.path, to: copy.file("freshet.db"))
        }
        await store.close()
        let report = try SQLiteStreamStore.check(directory: copy.path)
        #expect(report.problems == [] && report.events == 50 && report.streams == 1)
        let restored = try SQLiteStreamStore(directory: copy.path)
        #expect(try await restored.texts(name) == (0..<50).map(String.init))
        await restored.close()
    }

    @Test("is checked while it is in use")
    func check() async throws {
        let directory = TemporaryDirectory()
        #expect(throws: DirectoryError.self) { try SQLiteStreamStore.check(directory: directory.path) }
        let store = try SQLiteStreamStore(directory: directory.path)
        _ = try await store.put(name)
        try await store.add(name, "a", "bc", end: EndRequest(.done))
        let report = try SQLiteStreamStore.check(directory: directory.path)
        #expect(report.problems == [] && report.streams == 1 && report.events == 2 && report.bytes == 3)
        await store.close()
    }

    private static func execute(_ file: String, _ sql: String) throws {
        var database: OpaquePointer?
        defer { sqlite3_close_v2(database) }
        guard sqlite3_open(file, &database) == SQLITE_OK, sqlite3_exec(database, sql, nil, nil, nil) == SQLITE_OK else {
            throw UnexpectedOutcome("SQLite: \(sql)")
        }
    }
}
