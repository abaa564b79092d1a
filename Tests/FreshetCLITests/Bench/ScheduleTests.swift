import Locks
import NIOEmbedded
import Testing

@testable import FreshetCLI

@Suite struct ScheduleTests {
    @Test func `events are due at an even rate, without an error that adds up`() {
        let schedule = Schedule(start: 1000, rate: 3, seconds: 3600)
        #expect(schedule.count == 10_800)
        #expect(schedule.due(0) == 1000)
        #expect(schedule.due(1) == 333_334_333)
        #expect(schedule.due(3) == 1_000_001_000)
        #expect(schedule.due(10_797) == 3_599_000_001_000)
    }

    @Test func `there is one event at least`() {
        #expect(Schedule(start: 0, rate: 0.1, seconds: 0.1).count == 1)
    }

    @Test func `an event is due whatever became of those before it`() async {
        let sent = Sent()
        let lane = Lane(first: 2, step: 4, loop: sent.loop) { number, done in sent.note(number, done) }
        #expect(!lane.due())
        #expect(lane.due())
        #expect(lane.due())
        await sent.loop.run()
        // Its numbers are each fourth from 2.
        #expect(sent.numbers == [2])
        #expect(lane.unsent == 2)
        await sent.answerOne()
        #expect(sent.numbers == [2, 6])
        await sent.answerOne()
        await sent.answerOne()
        #expect(sent.numbers == [2, 6, 10])
        #expect(lane.isIdle)
    }

    @Test func `a lane that is stopped sends nothing more`() async {
        let sent = Sent()
        let lane = Lane(first: 0, step: 1, loop: sent.loop) { number, done in sent.note(number, done) }
        #expect(!lane.due())
        #expect(lane.due())
        lane.stop()
        await sent.answerOne()
        #expect(sent.numbers == [0])
        #expect(lane.unsent == 1)
        #expect(!lane.isIdle)
    }
}

/// What a lane sent, none of it answered before it is asked for. Everything shared is behind its mutex.
private final class Sent: Sendable {
    private struct State {
        var numbers: [Int] = []
        var unanswered: [@Sendable () -> Void] = []
    }

    let loop = NIOAsyncTestingEventLoop()
    private let state = Mutex(State())

    var numbers: [Int] { state.withLock { $0.numbers } }

    func note(_ number: Int, _ done: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.numbers.append(number)
            state.unanswered.append(done)
        }
    }

    func answerOne() async {
        let done = state.withLock { $0.unanswered.removeFirst() }
        done()
        await loop.run()
    }
}
