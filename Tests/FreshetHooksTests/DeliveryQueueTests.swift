import StoreSuite
import StreamCore
import Testing

@testable import FreshetHooks

@Suite("What a hook is yet to be told")
struct DeliveryQueueTests {
    private func item(_ number: Int64, _ stream: String) -> DeliveryQueue.Item { .init(.of(stream, number: number)) }

    private final class Tested {
        var queue: DeliveryQueue

        init(_ most: Int = 8) { queue = DeliveryQueue(mostRunning: most) }

        /// The numbers of all that may be told now.
        func take(at now: Duration = .zero) -> [Int64] {
            var found: [Int64] = []
            while let item = queue.next(at: now) { found.append(item.number) }
            return found
        }
    }

    @Test("is told stream by stream, in order, and side by side")
    func order() {
        let tested = Tested()
        for (number, stream) in [(1, "a"), (2, "b"), (3, "a"), (4, "a")] {
            tested.queue.add(item(Int64(number), stream))
        }
        #expect(tested.take() == [1, 2])
        tested.queue.finished(item(1, "a"))
        #expect(tested.take() == [3])
        tested.queue.finished(item(3, "a"))
        tested.queue.finished(item(2, "b"))
        #expect(tested.take() == [4])
        tested.queue.finished(item(4, "a"))
        #expect(tested.take() == [] && tested.queue.count == 0 && tested.queue.running == 0)
    }

    @Test("is told a few at a time")
    func bound() {
        let tested = Tested(2)
        for number in 1...5 { tested.queue.add(item(Int64(number), "s\(number)")) }
        #expect(tested.take() == [1, 2])
        tested.queue.finished(item(1, "s1"))
        #expect(tested.take() == [3])
        #expect(tested.queue.running == 2)
    }

    @Test("waits after a failure, with what follows it in its stream")
    func failure() {
        let tested = Tested()
        tested.queue.add(item(1, "a"))
        tested.queue.add(item(2, "a"))
        tested.queue.add(item(3, "b"))
        #expect(tested.take() == [1, 3])
        tested.queue.failed(item(1, "a"), until: .seconds(5))
        tested.queue.failed(item(3, "b"), until: .seconds(3))
        #expect(tested.queue.due == .seconds(3))
        #expect(tested.take(at: .seconds(2)) == [])
        #expect(tested.take(at: .seconds(4)) == [3])
        #expect(tested.queue.due == .seconds(5))
        let again = tested.queue.next(at: .seconds(5))
        #expect(again?.number == 1 && again?.attempts == 1)
        #expect(tested.queue.due == nil)
    }

    @Test("waits for no time once it is hastened")
    func hasten() {
        let tested = Tested()
        tested.queue.add(item(1, "a"))
        #expect(tested.take() == [1])
        tested.queue.failed(item(1, "a"), until: .seconds(3600))
        tested.queue.hasten(.known("a"))
        #expect(tested.take(at: .seconds(1)) == [1])
        // What is left of the delay does not tell it twice.
        #expect(tested.take(at: .seconds(3600)) == [])
    }

    @Test("waits while its hook wants no call, of whichever stream it is")
    func pause() {
        let tested = Tested()
        tested.queue.add(item(1, "a"))
        tested.queue.add(item(2, "b"))
        #expect(tested.take() == [1, 2])
        tested.queue.failed(item(1, "a"), until: .seconds(2))
        tested.queue.pause(until: .seconds(60))
        tested.queue.pause(until: .seconds(30))
        tested.queue.finished(item(2, "b"))
        #expect(tested.queue.due == .seconds(60))
        tested.queue.add(item(3, "c"))
        #expect(tested.take(at: .seconds(59)) == [] && tested.queue.due == .seconds(60))
        #expect(tested.take(at: .seconds(60)).sorted() == [1, 3] && tested.queue.due == nil)
    }

    @Test("is told in spite of a pause once somebody wants it told")
    func pauseEnds() {
        let tested = Tested()
        tested.queue.add(item(1, "a"))
        tested.queue.pause(until: .seconds(60))
        #expect(tested.take() == [])
        tested.queue.hasten(.known("a"))
        #expect(tested.take() == [1])
        tested.queue.failed(item(1, "a"), until: .seconds(60))
        tested.queue.pause(until: .seconds(60))
        tested.queue.enable()
        #expect(tested.take(at: .seconds(1)) == [1])
    }

    @Test("knows since when its oldest entry waits")
    func oldest() {
        let tested = Tested()
        #expect(tested.queue.oldest == nil)
        for (number, moment) in [(1, 500), (2, 300), (3, 400)] as [(Int64, UInt64)] {
            var one = item(number, "s\(number)")
            one.waitingSince = moment
            tested.queue.add(one)
        }
        #expect(tested.queue.oldest == 300)
        #expect(tested.take() == [1, 2, 3])
        tested.queue.finished(item(2, "s2"))
        #expect(tested.queue.oldest == 400)
    }

    @Test("is kept while its hook is disabled")
    func disabled() {
        let tested = Tested()
        tested.queue.add(item(1, "a"))
        tested.queue.add(item(2, "b"))
        #expect(tested.take() == [1, 2])
        tested.queue.disable(because: item(1, "a"))
        tested.queue.failed(item(2, "b"), until: .seconds(9))
        tested.queue.add(item(3, "c"))
        #expect(tested.take(at: .seconds(10)) == [] && tested.queue.due == nil && tested.queue.count == 3)
        tested.queue.enable()
        #expect(tested.take(at: .zero).sorted() == [1, 2, 3])
    }

    @Test("is dropped unless it is being told")
    func drop() {
        let tested = Tested()
        for number in 1...3 { tested.queue.add(item(Int64(number), "a")) }
        #expect(tested.take() == [1])
        let (running, waiting) = (tested.queue.drop(1, of: .known("a")), tested.queue.drop(2, of: .known("a")))
        #expect(!running && waiting && tested.queue.count == 2)
        tested.queue.finished(item(1, "a"))
        #expect(tested.take() == [3])
    }

    @Test("takes up what is older in its place, and nothing twice")
    func older() {
        let tested = Tested()
        tested.queue.add(item(5, "a"))
        tested.queue.add(item(5, "a"))
        #expect(tested.take() == [5])
        tested.queue.add(item(7, "a"))
        tested.queue.add(item(2, "a"))
        tested.queue.finished(item(5, "a"))
        #expect(tested.take() == [2])
        tested.queue.finished(item(2, "a"))
        #expect(tested.take() == [7])
    }

    @Test("is tried soon, then less and less often, for a day at least")
    func backOff() {
        let backOff = BackOff()
        #expect(backOff.delay(after: 1, random: 0) == .milliseconds(500))
        #expect(backOff.delay(after: 1, random: 1) == .milliseconds(1500))
        #expect(backOff.delay(after: 5, random: 0.5) == .seconds(16))
        for attempts in [13, 31, 1000] { #expect(backOff.delay(after: attempts, random: 0.5) == .seconds(3600)) }
        #expect(backOff.delay(after: 1, random: 1, asked: .seconds(120)) == .seconds(120))
        #expect(backOff.delay(after: 9, random: 0.5, asked: .seconds(120)) == .seconds(256))
        #expect(backOff.delay(after: 1, random: 0, asked: .seconds(90_000)) == .seconds(3600))
        #expect(!backOff.isOver(attempts: 1000, after: .seconds(86_399)))
        #expect(!backOff.isOver(attempts: 1, after: .seconds(400_000)))
        #expect(backOff.isOver(attempts: 10, after: .seconds(86_400)))
    }
}

extension OutboxEntry {
    static func of(_ stream: String, number: Int64 = 0, _ end: StreamEnd? = nil) -> OutboxEntry {
        let offset = Offset(milliseconds: 1, counter: 0)
        let info = StreamInfo(
            name: .known(stream),
            options: StreamOptions(),
            birth: offset,
            floor: offset,
            tail: offset,
            end: end,
            events: 0,
            bytes: 0
        )
        return OutboxEntry(.ended, of: info, to: "app", number: number, at: 0, content: .kept)
    }
}
