import StreamCore
import Testing

@testable import FreshetServer

@Suite("The last hour of a node")
struct NodeHistoryTests {
    private func counts(_ total: Int, readers: Int = 0, syncs: [Duration] = []) -> NodeHistory.Counts {
        var counts = NodeHistory.Counts(appends: total, events: 2 * total, deliveries: 3 * total, readers: readers)
        for sync in syncs { counts.syncs.add(sync) }
        return counts
    }

    @Test func `a part has what was added in it, and what there is at its end`() throws {
        var history = NodeHistory()
        history.add(counts(10, readers: 4, syncs: [.seconds(1)]), at: 1000)
        history.add(counts(15, readers: 1, syncs: [.seconds(1), .milliseconds(2), .milliseconds(2)]), at: 11_000)
        history.add(counts(15, syncs: [.seconds(1), .milliseconds(2), .milliseconds(2)]), at: 21_000)
        #expect(history.parts.map(\.appends) == [10, 5, 0])
        #expect(history.parts.map(\.events) == [20, 10, 0])
        #expect(history.parts.map(\.deliveries) == [30, 15, 0])
        #expect(history.parts.map(\.readers) == [4, 1, 0])
        #expect(try #require(history.parts[1].sync) < .milliseconds(3), "the slow one was in the part before")
        #expect(history.parts[2].sync == nil)
        #expect(history.end == 21_000)
    }

    @Test func `what is older than an hour is forgotten`() {
        var history = NodeHistory()
        for number in 1...400 { history.add(counts(number * number), at: UInt64(number)) }
        #expect(history.parts.count == 360)
        #expect(history.parts.first?.appends == 41 * 41 - 40 * 40)
        #expect(history.parts.last?.appends == 400 * 400 - 399 * 399)
    }
}
