import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("A batch is cut into runs")
struct RunCutterTests {
    private func batch(_ sizes: Int...) -> EventBatch {
        EventBatch(sizes.map { EventBody(data: Array(repeating: 0, count: $0)) })
    }

    @Test("that hold all its events in order, each within the bounds or alone")
    func bounds() {
        let cutter = RunCutter(events: 3, bytes: 10)
        #expect(cutter.runs(of: []) == [])
        #expect(cutter.runs(of: batch(99)) == [0..<1])
        #expect(cutter.runs(of: batch(1, 1, 1)) == [0..<3])
        #expect(cutter.runs(of: batch(1, 1, 1, 1)) == [0..<3, 3..<4])
        #expect(cutter.runs(of: batch(5, 5, 1)) == [0..<2, 2..<3])
        #expect(cutter.runs(of: batch(5, 99, 1, 1)) == [0..<1, 1..<2, 2..<4])
        #expect(cutter.runs(of: batch(0, 0, 0, 0)[1..<3]) == [1..<3])
        #expect(RunCutter(events: 1, bytes: 0).runs(of: batch(0, 3)) == [0..<1, 1..<2])
    }
}
