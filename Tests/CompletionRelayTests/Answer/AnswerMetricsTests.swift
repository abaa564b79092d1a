import StreamCore
import Testing

@testable import CompletionRelay

@Suite("What is measured of an answer")
struct AnswerMetricsTests {
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
