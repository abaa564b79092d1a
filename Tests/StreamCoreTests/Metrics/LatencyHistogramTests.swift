import StreamCore
import Testing

@Suite("A histogram of durations")
struct LatencyHistogramTests {
    @Test("a quantile is within an eighth of the true one, for durations of every size")
    func quantiles() throws {
        for unit in [Duration.microseconds(3), .milliseconds(1), .milliseconds(170), .seconds(9)] {
            var histogram = LatencyHistogram()
            for number in 1...1000 { histogram.add(unit * number) }
            for part in [0.5, 0.99] {
                let ratio = try #require(histogram.quantile(part)) / (unit * Int(part * 1000))
                #expect(ratio > 0.99 && ratio < 1.14, "\(unit) \(part) \(ratio)")
            }
        }
        #expect(LatencyHistogram().quantile(0.5) == nil)
    }

    @Test("two histograms together are one of both")
    func sum() {
        var left = LatencyHistogram()
        var right = LatencyHistogram()
        var both = LatencyHistogram()
        for number in 1...50 {
            left.add(.milliseconds(number))
            right.add(.milliseconds(number * 10))
            both.add(.milliseconds(number))
            both.add(.milliseconds(number * 10))
        }
        left.add(right)
        #expect(left == both)
    }

    @Test("what was added since an earlier time is what would be there without that")
    func since() {
        var all = LatencyHistogram()
        #expect(all.since(LatencyHistogram()) == all)
        all.add(.milliseconds(1))
        let earlier = all
        var later = LatencyHistogram()
        for number in 5...9 {
            all.add(.seconds(number))
            later.add(.seconds(number))
        }
        #expect(all.since(earlier) == later)
        #expect(all.since(LatencyHistogram()) == all)
        #expect(all.since(all).quantile(0.99) == nil)
    }
}
