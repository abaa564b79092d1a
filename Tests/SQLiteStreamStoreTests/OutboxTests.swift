import StoreSuite
import StreamCore
import Testing

@testable import SQLiteStreamStore

@Suite("The outbox of the SQLite store", .timeLimit(.minutes(5)))
struct OutboxTests {
    private let name = StreamName.known("told/chat")

    private func open(_ directory: TemporaryDirectory) throws -> SQLiteStreamStore {
        var configuration = SQLiteStoreConfiguration(durability: .os)
        configuration.outbox = OutboxRules(receivers: [OutboxRules.Receiver(name: "app", prefixes: ["told/"])])
        return try SQLiteStreamStore(directory: directory.path, configuration: configuration)
    }

    @Test("is made in a directory of version 3, whose streams stay")
    func upgrade() async throws {
        let directory = TemporaryDirectory()
        let old = try open(directory)
        _ = try await old.put(name)
        try await old.add(name, "a")
        await old.close()
        try EarlierVersion.make(3, of: directory.file("freshet.db"))
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
        let store = try open(directory)
        try await store.add(name, "b", end: EndRequest(.done))
        let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
        #expect(try await store.outboxContent(of: entry.number)?.map(\.text) == ["a", "b"])
        await store.close()
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems == [])
    }

    @Test("tells of events that are not what was written, and opens all the same")
    func damagedContent() async throws {
        let directory = TemporaryDirectory()
        let number = try await Self.fill(open(directory), name)
        try Self.execute(directory.file("freshet.db"), "UPDATE outbox SET content = zeroblob(length(content))")
        let problems = try SQLiteStreamStore.check(directory: directory.path).problems
        #expect(problems.count == 1 && problems.first?.contains("told/chat") == true)
        let store = try open(directory)
        await #expect(throws: StoreError.self) { try await store.outboxContent(of: number) }
        #expect(try await store.outboxEntries(after: 0, limit: 9).count == 1)
        await store.close()
    }

    @Test(
        "tells of an entry that is missing, older than it was, or damaged",
        arguments: [
            "DELETE FROM outbox", "UPDATE outbox SET data = zeroblob(length(data))",
            "INSERT INTO outbox SELECT id + 1, data, content FROM outbox",
        ]
    )
    func damagedEntry(sql: String) async throws {
        let directory = TemporaryDirectory()
        _ = try await Self.fill(open(directory), name)
        try Self.execute(directory.file("freshet.db"), sql)
        #expect(try SQLiteStreamStore.check(directory: directory.path).problems.isEmpty == false)
        #expect(throws: DirectoryError.self) { try open(directory) }
    }

    @Test("keeps what a fork holds that ends as it is made")
    func fork() async throws {
        let directory = TemporaryDirectory()
        let store = try open(directory)
        _ = try await store.put(.known("source"))
        try await store.add(.known("source"), "a", "b")
        let request = CreateRequest(
            options: StreamOptions(),
            events: [EventBody("c")],
            end: EndRequest(.done),
            fork: ForkRequest(source: .known("source"))
        )
        guard case .created = try await store.create(name, request) else { throw UnexpectedOutcome("no fork") }
        let entry = try #require(try await store.outboxEntries(after: 0, limit: 9).first)
        #expect(try await store.outboxContent(of: entry.number)?.map(\.text) == ["a", "b", "c"])
        await store.close()
    }

    private static func fill(_ store: SQLiteStreamStore, _ name: StreamName) async throws -> Int64 {
        _ = try await store.put(name)
        try await store.add(name, "a", end: EndRequest(.done))
        let number = try #require(try await store.outboxEntries(after: 0, limit: 9).first).number
        await store.close()
        return number
    }

    /// What version 3 would have left: no table, and a head that knows of none.
    private static func execute(_ file: String, _ sql: String) throws {
        try Database(path: file, mode: .readWrite).execute(sql)
    }
}
