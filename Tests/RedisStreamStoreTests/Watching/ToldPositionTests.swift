import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("What the watchers of a stream are told")
struct ToldPositionTests {
    private static func offset(_ number: UInt32) -> Offset { Offset(milliseconds: 1, counter: number) }

    private static func item(_ previous: UInt32, _ last: UInt32, ends: Bool = false, tooBig: Bool = false) -> StreamNews
    {
        let end = ends ? StreamEnd(reason: .done, detail: nil, offset: offset(last + 1)) : nil
        let count = Int(last - previous)
        let batch = EventBatch((0..<count).map { EventBody("\($0)") })
        return .committed(
            StreamNews.Commit(previous: offset(previous), last: offset(last), end: end) {
                tooBig ? nil : count == 0 ? [] : EventRun(batch, from: offset(previous + 1))
            }
        )
    }

    private static func created(_ birth: UInt32) -> StreamNews { .created(birth: offset(birth)) }

    private static func removed(_ birth: UInt32, top: UInt32) -> StreamNews {
        .removed(.deleted, birth: offset(birth), top: offset(top))
    }

    private func words(_ news: StreamNews...) -> [String] {
        var told = ToldPosition()
        return news.flatMap { told.take($0) }.words
    }

    @Test("the same thing is told once, whichever of its two ways is first, and however late the other")
    func once() {
        let life = [
            Self.created(1), Self.item(1, 3), Self.item(3, 4), Self.item(4, 4, ends: true), Self.removed(1, top: 5),
        ]
        let expected = ["created", "committed", "committed", "ended", "removed: deleted"]
        var told = ToldPosition()
        #expect(life.flatMap { told.take($0) }.words == expected)
        for late in life { #expect(told.take(late).isEmpty) }
        // Each of the two ways in turn, the second any number of steps behind the first.
        for lag in 0...life.count {
            var told = ToldPosition()
            var heard: [StreamSignal] = []
            for step in 0..<life.count + lag {
                if step < life.count { heard += told.take(life[step]) }
                if step >= lag { heard += told.take(life[step - lag]) }
            }
            #expect(heard.words == expected)
        }
    }

    @Test("what does not follow what was told makes them read again, and what was missed is not told when it comes")
    func gap() {
        #expect(words(Self.item(1, 2), Self.item(3, 4), Self.item(2, 3)) == ["committed", "broken", "ready"])
        #expect(
            words(Self.item(1, 2), Self.item(3, 4), Self.item(4, 5)) == ["committed", "broken", "ready", "committed"]
        )
        let ended = words(Self.item(1, 2), Self.item(3, 4, ends: true), Self.item(2, 3), Self.item(3, 4, ends: true))
        #expect(ended == ["committed", "broken", "ready", "ended"])
        #expect(words(Self.item(1, 2), Self.item(3, 3, ends: true)) == ["committed", "broken", "ready", "ended"])
    }

    @Test("an item that came without its events makes them read again, and its end is told")
    func tooBig() {
        #expect(words(Self.item(1, 5, tooBig: true), Self.item(5, 6)) == ["broken", "ready", "committed"])
        #expect(words(Self.item(1, 5, ends: true, tooBig: true)) == ["broken", "ready", "ended"])
    }

    @Test("after a loss the next item is told wherever it begins, and nothing twice")
    func loss() {
        var told = ToldPosition()
        #expect(told.take(Self.item(1, 2)).words == ["committed"])
        told.lose()
        #expect(told.take(Self.item(1, 2)).isEmpty)
        #expect(told.take(Self.item(4, 5)).words == ["committed"])
        #expect(told.take(Self.item(6, 7)).words == ["broken", "ready"])
    }

    @Test("a stream made anew is another one, and news of the one before is old")
    func anew() {
        #expect(
            words(Self.item(1, 2), Self.removed(1, top: 2), Self.created(5), Self.removed(1, top: 2)).suffix(1) == [
                "created"
            ]
        )
        // Made anew before the removal was heard of.
        let words = words(
            Self.created(1),
            Self.created(5),
            Self.removed(1, top: 2),
            Self.item(5, 6),
            Self.removed(5, top: 6)
        )
        #expect(words == ["created", "removed: deleted", "created", "committed", "removed: deleted"])
        #expect(
            self.words(Self.removed(1, top: 2), Self.item(5, 6), Self.created(5)) == [
                "removed: deleted", "broken", "ready",
            ]
        )
        #expect(self.words(Self.item(5, 6), Self.removed(1, top: 2)) == ["committed"])
    }

    @Test("a floor is told when it rises")
    func floors() {
        let trimmed = { StreamNews.trimmed(floor: Self.offset($0)) }
        #expect(words(trimmed(3), trimmed(3), trimmed(2), trimmed(4)) == ["trimmed", "trimmed"])
        #expect(words(Self.created(5), trimmed(3), trimmed(6)) == ["created", "trimmed"])
    }
}
