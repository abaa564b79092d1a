import StoreSuite
import Testing

@Suite("The Redis store", .timeLimit(.minutes(10)))
struct SuiteTests {
    @Test(
        "does what every store must",
        arguments: StoreCheck.ofSharedWithOutbox
    )
    func conforms(check: StoreCheck) async throws {
        try await check.run(on: RedisUnderTest())
    }

    @Test(
        "does the same when every event is a run of its own, so that retention is exact",
        arguments: StoreCheck.ofSharedWithOutbox
    )
    func conformsInSingleRuns(check: StoreCheck) async throws {
        try await check.run(on: RedisUnderTest(runEvents: 1))
    }
}
