import StreamCore
import Testing

@testable import CompletionRelay

@Suite("What is measured of an answer")
struct AnswerMetricsTests {
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

    @Test("the first token is timed from the call; tokens without a reader are counted apart")
    func answer() {
        var metrics = AnswerMetrics(began: .seconds(5))
        metrics.logged(events: 1, tokens: 0, bytes: 10, isRead: true, at: .seconds(6))
        metrics.logged(events: 2, tokens: 2, bytes: 20, isRead: true, at: .seconds(7))
        metrics.logged(events: 1, tokens: 1, bytes: 5, isRead: false, at: .seconds(8))
        #expect(metrics.timeToFirstToken == .seconds(2))
        #expect(metrics.tokens == 3)
        #expect(metrics.events == 4)
        #expect(metrics.bytes == 35)
        #expect(metrics.unreadTokens == 1)
        #expect(metrics.atLog.count == 2)
        #expect(metrics.text.hasPrefix("tokens=3, events=4, bytes=35, ttft=2000.000, log-p50=0.000, log-p99="))
    }
}
