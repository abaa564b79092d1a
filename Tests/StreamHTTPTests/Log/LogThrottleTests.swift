import StreamHTTP
import Testing

@Suite("How many lines a log gets")
struct LogThrottleTests {
    private func flood(_ throttle: inout LogThrottle, _ count: Int, at now: Duration) -> [LogThrottle.Decision] {
        (0..<count).map { _ in throttle.decide(at: now) }
    }

    @Test("so many at once are written, and the rest is counted")
    func burst() {
        var throttle = LogThrottle()
        let decisions = flood(&throttle, 1000, at: .seconds(5))
        #expect(decisions.count { $0 == .write(leftOut: 0) } == LogThrottle.burst)
        #expect(decisions.dropFirst(LogThrottle.burst).allSatisfy { $0 == .leaveOut })
        #expect(throttle.decide(at: .seconds(6)) == .write(leftOut: 1000 - LogThrottle.burst))
        #expect(throttle.decide(at: .seconds(6)) == .write(leftOut: 0))
    }

    @Test("a flood that lasts gets so many a second, and no line of it is lost from the count")
    func rate() {
        var throttle = LogThrottle()
        var written = 0
        var counted = 0
        for millisecond in 0..<10_000 {
            guard case .write(let leftOut) = throttle.decide(at: .milliseconds(millisecond)) else { continue }
            written += 1
            counted += leftOut
        }
        #expect(LogThrottle.burst + 99...LogThrottle.burst + 101 ~= written)
        #expect(written + counted + (throttle.takeLeftOut(at: .seconds(11)) ?? 0) == 10_000)
    }

    @Test("what was left out last is told when there is room for a line, once")
    func end() {
        var throttle = LogThrottle()
        #expect(throttle.takeLeftOut(at: .zero) == nil)
        _ = flood(&throttle, LogThrottle.burst + 7, at: .zero)
        #expect(throttle.takeLeftOut(at: .milliseconds(1)) == nil)
        #expect(throttle.takeLeftOut(at: .seconds(1)) == 7)
        #expect(throttle.takeLeftOut(at: .seconds(2)) == nil)
    }

    @Test("a clock that does not move, or moves back, gives nothing")
    func clock() {
        var throttle = LogThrottle()
        _ = flood(&throttle, LogThrottle.burst, at: .seconds(9))
        #expect(throttle.decide(at: .seconds(9)) == .leaveOut)
        #expect(throttle.decide(at: .seconds(1)) == .leaveOut)
    }
}
