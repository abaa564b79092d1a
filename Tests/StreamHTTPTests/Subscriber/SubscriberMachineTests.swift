import StreamCore
import StreamHTTP
import Testing

@Suite("A reader as a cursor into the log")
struct SubscriberMachineTests {
    @Test("nothing is read before the store follows the stream, and everything after the cursor once it does")
    func readiness() {
        var machine = SubscriberMachine(at: Offset(3))
        #expect(machine.committed([Offset(3), Offset(4)]) == .ignore)
        #expect(machine.ready(takesMore: true) == .read(.after(Offset(3))))
        #expect(machine.read(last: Offset(4), isAtTail: true, takesMore: true) == .wait)
        #expect(machine.isFollowing)
    }

    @Test("at the tail a batch that follows exactly is written, from its first item that is new")
    func delivery() {
        var machine = following(at: 4)
        #expect(machine.committed([Offset(4), Offset(6), Offset(7)]) == .deliver(from: 0))
        #expect(machine.cursor == Offset(7))
        #expect(machine.committed([Offset(6), Offset(7), Offset(9)]) == .deliver(from: 1))
        #expect(machine.cursor == Offset(9))
    }

    @Test("an end alone, whose item has no event, is delivered too")
    func endAlone() {
        var machine = following(at: 4)
        #expect(machine.committed([Offset(4), Offset(4)]) == .deliver(from: 0))
        var second = following(at: 4)
        #expect(second.committed([Offset(3), Offset(4), Offset(4)]) == .deliver(from: 1))
    }

    @Test("what it has already is ignored, and what leaves a hole is read from the log")
    func oldAndFar() {
        var machine = following(at: 4)
        #expect(machine.committed([Offset(2), Offset(3)]) == .ignore)
        #expect(machine.isFollowing)
        #expect(machine.committed([Offset(5), Offset(6)]) == .read(.after(Offset(4))))
        #expect(machine.committed([Offset(6), Offset(7)]) == .ignore)
        #expect(machine.read(last: Offset(6), isAtTail: true, takesMore: true) == .read(.after(Offset(6))))
    }

    @Test("what happens while a read is on its way is found by the next one")
    func missed() {
        var machine = SubscriberMachine(at: Offset(1))
        _ = machine.ready(takesMore: true)
        #expect(machine.trimmed(floor: Offset(2)) == .wait)
        #expect(machine.read(last: Offset(1), isAtTail: true, takesMore: true) == .read(.after(Offset(1))))
        #expect(machine.read(last: Offset(2), isAtTail: true, takesMore: true) == .wait)
        #expect(machine.isFollowing)
    }

    @Test("a connection that takes no more stops reading, and goes on from the cursor when it does")
    func blocked() {
        var machine = following(at: 4)
        machine.becameUnwritable()
        #expect(machine.isBlocked)
        #expect(machine.committed([Offset(4), Offset(5)]) == .ignore)
        #expect(machine.trimmed(floor: Offset(5)) == .wait)
        #expect(machine.becameWritable() == .read(.after(Offset(4))))
        #expect(machine.read(last: Offset(5), isAtTail: false, takesMore: false) == .wait)
        #expect(machine.isBlocked)
        #expect(machine.ready(takesMore: true) == .wait)
    }

    @Test("a page that is not the last is followed by the next one")
    func paging() {
        var machine = SubscriberMachine(at: Offset(0))
        _ = machine.ready(takesMore: true)
        #expect(machine.read(last: Offset(9), isAtTail: false, takesMore: true) == .read(.after(Offset(9))))
    }

    @Test("trimming behind the cursor is no news, and past it is read")
    func trimming() {
        var machine = following(at: 4)
        #expect(machine.trimmed(floor: Offset(4)) == .wait)
        #expect(machine.trimmed(floor: Offset(6)) == .read(.after(Offset(4))))
    }

    @Test("a reader before the stream waits, and reads from the start when there is one")
    func held() {
        var machine = SubscriberMachine(holding: ())
        #expect(machine.isHeld)
        #expect(machine.ready(takesMore: true) == .read(.start))
        #expect(machine.read(last: nil, isAtTail: true, takesMore: true) == .wait)
        #expect(machine.isHeld)
        #expect(machine.created() == .read(.start))
        // It went and came again while that was read.
        #expect(machine.created() == .wait)
        #expect(machine.read(last: nil, isAtTail: true, takesMore: true) == .read(.start))
        #expect(machine.read(last: Offset(7), isAtTail: true, takesMore: true) == .wait)
        #expect(machine.cursor == Offset(7))
    }

    @Test("a removal is looked into before it is told: the name may belong to another stream by then")
    func removal() {
        var machine = following(at: 4)
        #expect(machine.removed() == .read(.after(Offset(4))))
        #expect(machine.removed() == .wait)
        #expect(machine.read(last: Offset(4), isAtTail: true, takesMore: true) == .read(.after(Offset(4))))
        var blocked = following(at: 4)
        blocked.becameUnwritable()
        #expect(blocked.removed() == .wait)
    }

    @Test("after the store lost track nothing is concluded until it is ready again")
    func broken() {
        var machine = following(at: 4)
        machine.broken()
        #expect(machine.committed([Offset(4), Offset(5)]) == .ignore)
        #expect(machine.ready(takesMore: true) == .read(.after(Offset(4))))
        machine.broken()
        #expect(machine.read(last: Offset(5), isAtTail: true, takesMore: true) == .wait)
        #expect(!machine.isFollowing)
    }

    @Test("a finished reader does nothing any more")
    func finished() {
        var machine = following(at: 4)
        machine.finish()
        #expect(machine.committed([Offset(4), Offset(5)]) == .ignore)
        #expect(machine.ready(takesMore: true) == .wait)
        #expect(machine.trimmed(floor: Offset(9)) == .wait)
        #expect(machine.removed() == .wait)
        #expect(machine.becameWritable() == .wait)
        #expect(machine.isFinished)
    }

    private func following(at number: Int) -> SubscriberMachine {
        var machine = SubscriberMachine(at: Offset(number))
        _ = machine.ready(takesMore: true)
        _ = machine.read(last: Offset(number), isAtTail: true, takesMore: true)
        return machine
    }
}
