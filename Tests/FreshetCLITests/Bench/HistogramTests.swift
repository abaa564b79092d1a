import Testing

@testable import FreshetCLI

@Suite struct HistogramTests {
    /// A generator with a seed (SplitMix64), so that a failure comes again.
    struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
            return value ^ (value >> 31)
        }
    }

    /// Microseconds over all orders of magnitude, as latencies are.
    private static func values(_ count: Int, seed: UInt64) -> [UInt64] {
        var random = Seeded(state: seed)
        return (0..<count).map { _ in
            let most = UInt64(1) << UInt64.random(in: 0...31, using: &random)
            return UInt64.random(in: 0...min(most, Histogram.longest), using: &random)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5] as [UInt64])
    func `a quantile is the exact one, or at most a thousandth above it`(seed: UInt64) {
        let values = Self.values(10_000, seed: seed)
        var histogram = Histogram()
        for value in values { histogram.record(microseconds: value) }
        let sorted = values.sorted()
        for part in [0, 0.001, 0.1, 0.5, 0.9, 0.99, 0.999, 0.9999, 1] {
            let exact = sorted[max(1, Int((part * Double(sorted.count)).rounded(.up))) - 1]
            let found = histogram.quantile(part)
            #expect(found >= exact, "quantile \(part)")
            #expect(Double(found) <= Double(exact) * 1.001, "quantile \(part)")
        }
        #expect(histogram.count == 10_000)
        #expect(histogram.maximum == sorted.last)
        #expect(histogram.minimum == sorted.first)
        let mean = values.reduce(0.0) { $0 + Double($1) } / 10_000
        #expect(abs(histogram.mean - mean) < mean / 1e9)
    }

    @Test func `what is below 2048 microseconds is exact`() {
        for value in 0..<2048 as Range<UInt64> {
            var histogram = Histogram()
            histogram.record(microseconds: value)
            // Not the maximum, which is exact anyway.
            histogram.record(microseconds: Histogram.longest)
            #expect(histogram.quantile(0.5) == value)
        }
    }

    @Test func `each doubling begins where the one before it ends`() {
        for exponent in 11..<31 as Range<UInt64> {
            let edge = UInt64(1) << exponent
            for value in [edge - 1, edge, edge + 1] {
                var histogram = Histogram()
                histogram.record(microseconds: value)
                histogram.record(microseconds: Histogram.longest)
                let found = histogram.quantile(0.5)
                #expect(found >= value && Double(found) <= Double(value) * 1.001, "\(value)")
            }
        }
    }

    @Test func `more than an hour counts as an hour, and is told`() {
        var histogram = Histogram()
        histogram.record(microseconds: .max)
        #expect(histogram.quantile(0.5) == Histogram.longest)
        #expect(histogram.maximum == 3_600_000_000)
        #expect(histogram.beyond == 1)
    }

    @Test func `one that measured nothing says 0`() {
        let histogram = Histogram()
        #expect(histogram.quantile(0.5) == 0)
        #expect(histogram.mean == 0)
        #expect(histogram.count == 0)
    }
}
