import Testing

@testable import FreshetServer

@Suite("So many in so long")
struct RateTests {
    private struct Bucket {
        let rate: Rate
        var full: Duration

        mutating func take(at now: Duration) -> Duration? { rate.take(&full, at: now) }
        mutating func charge(at now: Duration) { rate.charge(&full, at: now) }
        mutating func giveBack() { rate.giveBack(&full) }

        /// How many can be taken one after the other.
        mutating func taken(at now: Duration) -> Int {
            var count = 0
            while take(at: now) == nil { count += 1 }
            return count
        }
    }

    private let now = Duration.seconds(1000)

    private func bucket(_ count: Int = 5, burst: Int = 10) -> Bucket {
        Bucket(rate: Rate(count, in: .seconds(1), burst: burst), full: now)
    }

    @Test("a full bucket gives exactly as many as may come at once, and then says how long it takes to the next")
    func burst() {
        var bucket = bucket()
        #expect(bucket.taken(at: now) == 10)
        #expect(bucket.take(at: now) == .milliseconds(200))
        #expect(bucket.take(at: now + .milliseconds(150)) == .milliseconds(50))
        // Being refused costs nothing.
        #expect(bucket.take(at: now) == .milliseconds(200))
    }

    @Test("it fills evenly, one at the exact moment and none before, and never beyond full")
    func refill() {
        var bucket = bucket()
        _ = bucket.taken(at: now)
        #expect(bucket.taken(at: now + .milliseconds(200) - .nanoseconds(1)) == 0)
        #expect(bucket.taken(at: now + .milliseconds(200)) == 1)
        #expect(bucket.taken(at: now + .milliseconds(1000)) == 4)
        #expect(bucket.taken(at: now + .seconds(3000)) == 10)
    }

    @Test("a clock that stands still gives nothing, however long one asks")
    func standingClock() {
        var bucket = bucket()
        _ = bucket.taken(at: now)
        for _ in 0..<1000 { #expect(bucket.take(at: now) != nil) }
        #expect(bucket.taken(at: now + .milliseconds(200)) == 1)
    }

    @Test("over a long time no more come than the rate and one burst, at whatever moments they are asked for")
    func overTime() {
        var bucket = bucket()
        var generator = SystemRandomNumberGenerator()
        var (moment, count) = (now, 0)
        while moment < now + .seconds(60) {
            if bucket.take(at: moment) == nil { count += 1 }
            moment += .milliseconds(Int.random(in: 1...150, using: &generator))
        }
        #expect(count <= 10 + 60 * 5)
        #expect(count >= 60 * 5)
    }

    @Test("what is put back can be taken again, and what was owed is paid first")
    func backAndOwed() {
        var bucket = bucket()
        _ = bucket.taken(at: now)
        bucket.giveBack()
        #expect(bucket.taken(at: now) == 1)
        bucket.charge(at: now)
        #expect(bucket.take(at: now) == .milliseconds(400))
        var fresh = self.bucket()
        fresh.giveBack()
        #expect(fresh.taken(at: now) == 10)
    }

    @Test("a rate whose interval is no whole number gives its burst all the same")
    func thirds() {
        var bucket = bucket(3, burst: 6)
        #expect(bucket.taken(at: now) == 6)
    }
}
