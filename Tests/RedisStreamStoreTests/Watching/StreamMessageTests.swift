import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("A message of a stream's channel")
struct StreamMessageTests {
    private func pack(_ texts: String...) -> (field: String, bytes: [UInt8]) {
        let batch = EventBatch(texts.map { EventBody($0) })
        return ("\(batch.count):\(batch.size)", PackedRun.head(of: batch) + batch.contents)
    }

    private func item(_ line: String, _ body: [UInt8]) -> StreamNews.Commit? {
        guard case .committed(let commit)? = StreamMessage.news(in: Array(line.utf8) + [10] + body)?.first else {
            return nil
        }
        return commit
    }

    private func news(_ text: String) -> [StreamNews]? { StreamMessage.news(in: Array(text.utf8)) }

    @Test("of runs that follow each other or not, and of an end, says all of it")
    func items() throws {
        let (one, two) = (pack("a", "b"), pack("c"))
        let line = "i 7-9 8-2 2 8-0 \(one.field) \(one.bytes.count) 8-2 \(two.field) \(two.bytes.count)"
        let item = try #require(self.item(line, one.bytes + two.bytes + Array("8-3 failed no more".utf8)))
        #expect(
            item.previous == Offset(milliseconds: 7, counter: 9) && item.last == Offset(milliseconds: 8, counter: 2)
        )
        #expect(item.end == StreamEnd(reason: .failed, detail: "no more", offset: Offset(milliseconds: 8, counter: 3)))
        let events = try #require(item.events())
        #expect(events.map(\.text) == ["a", "b", "c"] && events.map(\.offset.decimal) == ["8-0", "8-1", "8-2"])

        let apart = "i 7-9 9-2 2 8-0 \(one.field) \(one.bytes.count) 9-2 \(two.field) \(two.bytes.count)"
        let far = try #require(self.item(apart, one.bytes + two.bytes))
        #expect(far.end == nil && far.events()?.map(\.offset.decimal) == ["8-0", "8-1", "9-2"])

        let end = try #require(self.item("i 7-9 8-0 0", Array("8-0 done".utf8)))
        #expect(end.last == end.previous && end.end?.detail == nil && end.events()?.isEmpty == true)
    }

    @Test("that is not one is found out, and never a trap")
    func damaged() {
        let run = pack("a", "b")
        let good = Array("i 7-9 8-1 1 8-0 \(run.field) \(run.bytes.count)\n".utf8) + run.bytes
        #expect(StreamMessage.news(in: good) != nil)
        for count in 0..<good.count {
            if case .committed(let commit)? = StreamMessage.news(in: Array(good[..<count]))?.first {
                Issue.record("\(count) bytes make an item: \(commit)")
            }
        }
        for text in [
            "", "i", "i\n", "i 7-9\n", "i 7-9 8-1\n", "i 7-9 8-1 x\n", "i 7-9 8-1 1\n",
            "i 7-9 8-1 99999999999999999999\n",
            "i 7-9 8-1 1 8-0 2:2 999\nab", "i 7-9 8-1 0\nnonsense", "i 7-x 8-1 0\n", "c\n", "c x\n", "b 1-1\n", "t\n",
            "r 1-1\n", "r 1-1 lost\n", "i 7-9 8-1 1 8-0 -2:2 2\nab", "i 7-9 8-1 1 8-0 0:2 2\nab",
        ] { #expect(news(text) == nil, "\(text)") }
        // Whole, but what is packed in it is nothing.
        let item = self.item("i 7-9 8-1 1 8-0 2:2 2", [9, 9])
        #expect(item != nil && item?.events() == nil)
    }

    @Test("of random bytes is something or nothing, and never a trap")
    func noise() {
        var random = SeededRandom(seed: 5)
        let run = pack("a", "bc")
        let good = Array("i 7-9 8-1 1 8-0 \(run.field) \(run.bytes.count)\n".utf8) + run.bytes + Array("8-2 done".utf8)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            for case .committed(let commit) in StreamMessage.news(in: bytes) ?? [] { _ = commit.events() }
        }
    }

    @Test("of the other kinds says what it says, and one of a kind that is not known says nothing")
    func others() throws {
        guard case .created(let birth)? = news("c 8-1\n")?.first else { throw UnexpectedOutcome("created") }
        #expect(birth.decimal == "8-1")
        guard case .grown(let previous, let mark)? = news("b 8-1 9-0\n")?.first else {
            throw UnexpectedOutcome("grown")
        }
        #expect(previous.decimal == "8-1" && mark.decimal == "9-0")
        guard case .trimmed(let floor)? = news("t 8-1\n")?.first else { throw UnexpectedOutcome("trimmed") }
        #expect(floor.decimal == "8-1")
        guard case .removed(.expired, let gone, let top)? = news("r 8-1 expired 9-3\n")?.first else {
            throw UnexpectedOutcome("removed")
        }
        #expect(gone.decimal == "8-1" && top?.decimal == "9-3")
        guard case .removed(.deleted, _, nil)? = news("r 8-1 deleted\n")?.first else {
            throw UnexpectedOutcome("removed")
        }
        #expect(news("q what else\n")?.isEmpty == true)
    }
}
