import Testing

@testable import CompletionRelay

@Suite("An answer without a reader")
struct ReaderWatchTests {
    @Test("is stopped when it had none for longer than allowed, counted from the last one")
    func patience() {
        var watch = ReaderWatch(patience: .seconds(10), now: .zero)
        let look1 = watch.observe(readers: 0, isAwaited: false, at: .seconds(9))
        #expect(!look1)
        let look2 = watch.observe(readers: 1, isAwaited: false, at: .seconds(10))
        #expect(!look2)
        let look3 = watch.observe(readers: 0, isAwaited: false, at: .seconds(19))
        #expect(!look3)
        let look4 = watch.observe(readers: 0, isAwaited: false, at: .seconds(20))
        #expect(look4)
    }

    @Test("is not stopped while its first byte is waited for, nor before whoever waited can attach")
    func arrival() {
        var watch = ReaderWatch(patience: .zero, now: .zero)
        let look5 = watch.observe(readers: 0, isAwaited: true, at: .seconds(100))
        #expect(!look5)
        let look6 = watch.observe(readers: 0, isAwaited: false, at: .seconds(101))
        #expect(!look6)
        let look7 = watch.observe(readers: 1, isAwaited: false, at: .seconds(101.5))
        #expect(!look7)
        let look8 = watch.observe(readers: 0, isAwaited: false, at: .seconds(101.6))
        #expect(look8)
    }

    @Test(
        "the rule is written in three ways",
        arguments: [
            ("continue", DisconnectPolicy.continue), ("cancel", .cancel), ("grace=0", .grace(seconds: 0)),
            ("grace=30", .grace(seconds: 30)), ("grace=", nil), ("grace=-1", nil), ("grace=+1", nil), ("Cancel", nil),
            ("", nil), ("grace=99999999999999999999", nil),
        ] as [(String, DisconnectPolicy?)]
    )
    func written(text: String, policy: DisconnectPolicy?) {
        #expect(DisconnectPolicy(text) == policy)
    }

    @Test("the server's limit holds for every rule")
    func limit() {
        #expect(DisconnectPolicy.continue.patience(limit: .seconds(600)) == .seconds(600))
        #expect(DisconnectPolicy.cancel.patience(limit: .seconds(600)) == .zero)
        #expect(DisconnectPolicy.grace(seconds: 9).patience(limit: .seconds(600)) == .seconds(9))
        #expect(DisconnectPolicy.grace(seconds: 900).patience(limit: .seconds(600)) == .seconds(600))
    }
}
