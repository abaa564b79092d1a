import SQLiteStreamStore
import StoreSuite
import Testing

@Suite("The SQLite store", .timeLimit(.minutes(5)))
struct SuiteTests {
    @Test("does what every store must", arguments: StoreCheck.all + StoreCheck.forks)
    func conforms(check: StoreCheck) async throws {
        try await check.run(on: SQLiteUnderTest())
    }

    @Test(
        "does what every store must when every event is soon in a chunk",
        arguments: StoreCheck.all + StoreCheck.forks
    )
    func conformsInChunks(check: StoreCheck) async throws {
        let harness = SQLiteUnderTest { configuration in
            configuration.chunkBytes = 3
            configuration.sealAfter = .zero
        }
        try await check.run(on: harness)
    }
}
