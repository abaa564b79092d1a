import Testing

@testable import RedisStreamStore

@Suite("The back-off of a connection")
struct BackOffTests {
    @Test("doubles up to its bound, and any part of the step may be waited")
    func doubles() {
        var backOff = BackOff(longest: .seconds(2))
        let steps = (0..<40).map { _ in backOff.next(random: 1) }
        #expect(steps.prefix(4) == [.milliseconds(50), .milliseconds(100), .milliseconds(200), .milliseconds(400)])
        #expect(steps.allSatisfy { $0 <= .seconds(2) } && steps.last == .seconds(2))
        #expect(backOff.next(random: 0) == .zero)
        backOff.reset()
        #expect(backOff.next(random: 0.5) == .milliseconds(25))
    }
}
