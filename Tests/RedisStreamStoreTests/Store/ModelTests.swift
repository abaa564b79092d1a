import StoreSuite
import Testing

@Suite("The Redis store against a model", .timeLimit(.minutes(10)))
struct ModelTests {
    @Test("lives any random life at two nodes as a simple model says", arguments: 0..<12 as Range<UInt64>)
    func livesAsTheModelSays(seed: UInt64) async throws {
        // Every second one with retention that is exact.
        let harness = RedisUnderTest(runEvents: seed.isMultiple(of: 2) ? 64 : 1, reopens: false)
        try await ModelRun.run(seed: seed, steps: 250, on: harness)
    }
}
