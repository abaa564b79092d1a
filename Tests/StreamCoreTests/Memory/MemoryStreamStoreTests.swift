import StoreSuite
import Testing

@Suite("The memory store", .timeLimit(.minutes(10)))
struct MemoryStreamStoreTests {
    @Test("does what every store must", arguments: StoreCheck.all + StoreCheck.forks)
    func conforms(check: StoreCheck) async throws {
        try await check.run(on: MemoryUnderTest())
    }

    @Test("lives any random life as a simple model says", arguments: 0..<200 as Range<UInt64>)
    func livesAsTheModelSays(seed: UInt64) async throws {
        try await ModelRun.run(seed: seed, steps: 250, on: MemoryUnderTest())
    }
}

@Suite("The memory store that nodes of a test share", .timeLimit(.minutes(10)))
struct SharedMemoryTests {
    @Test("does what every store must, and what one must that is shared", arguments: StoreCheck.ofShared)
    func conforms(check: StoreCheck) async throws {
        try await check.run(on: SharedMemoryUnderTest())
    }

    @Test("lives any random life at two nodes as a simple model says", arguments: 0..<200 as Range<UInt64>)
    func livesAsTheModelSays(seed: UInt64) async throws {
        try await ModelRun.run(seed: seed, steps: 250, on: SharedMemoryUnderTest())
    }
}
