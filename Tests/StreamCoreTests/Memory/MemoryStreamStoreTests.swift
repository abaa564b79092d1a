import StoreSuite
import Testing

@Suite("The memory store", .timeLimit(.minutes(2)))
struct MemoryStreamStoreTests {
    @Test("does what every store must", arguments: StoreCheck.all)
    func conforms(check: StoreCheck) async throws {
        try await check.run(on: MemoryUnderTest())
    }
}
