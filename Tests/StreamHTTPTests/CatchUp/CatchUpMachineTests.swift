import StreamCore
import StreamHTTP
import Testing

@Suite("The body of a catch-up read: exactly what was promised, or torn")
struct CatchUpMachineTests {
    private typealias Machine = CatchUpMachine

    private static func offset(_ number: Int) -> Offset { Offset(milliseconds: UInt64(number), counter: 0) }

    private static func stretch(_ standing: Page.Standing, _ numbers: Int...) -> Machine.Stretch {
        Machine.Stretch(standing: standing, offsets: numbers.map(offset))
    }

    /// Events 1 and 2 are in hand, and 6 is the last that was promised.
    private static func machine() -> Machine { Machine(at: offset(2), through: offset(6)) }

    private static func reading() -> Machine {
        var machine = machine()
        #expect(machine.wrote(takesMore: true) == .read(after: offset(2)))
        return machine
    }

    @Test("It reads on from the last event that was written, up to the one that was promised")
    func whole() {
        var machine = Self.reading()
        #expect(machine.read(Self.stretch(.exact, 3, 4)) == .write(2))
        #expect(machine.wrote(takesMore: true) == .read(after: Self.offset(4)))
        #expect(machine.read(Self.stretch(.exact, 5, 6)) == .write(2))
        #expect(machine.wrote(takesMore: false) == .complete)
        #expect(machine.isOver)
    }

    @Test("What was appended after the head was made is no part of it")
    func later() {
        var machine = Self.reading()
        #expect(machine.read(Self.stretch(.exact, 3, 6, 7, 8)) == .write(2))
        #expect(machine.wrote(takesMore: true) == .complete)
    }

    @Test("Everything that was promised may be in hand already")
    func atOnce() {
        var machine = Machine(at: Self.offset(6), through: Self.offset(6))
        #expect(machine.wrote(takesMore: false) == .complete)
    }

    private static let broken: [(String, Machine.Stretch?)] = [
        ("gone, or the store failed", nil),
        ("trimmed", stretch(.belowFloor, 5, 6)),
        ("made anew", stretch(.unknown, 3, 6)),
        ("shorter", stretch(.exact)),
        ("without the promised event", stretch(.exact, 3, 5, 7)),
        ("all later", stretch(.exact, 7)),
    ]

    @Test("A log that is not what it was tears the body", arguments: broken)
    private func torn(_ what: String, _ stretch: Machine.Stretch?) {
        var machine = Self.reading()
        #expect(machine.read(stretch) == .tear, "\(what)")
        #expect(machine.isOver)
    }

    @Test("Nothing is read for a peer that takes nothing")
    func blocked() {
        var machine = Self.machine()
        #expect(machine.wrote(takesMore: false) == .wait)
        #expect(machine.wrote(takesMore: true) == .wait)
        #expect(machine.becameWritable() == .read(after: Self.offset(2)))
        #expect(machine.becameWritable() == .wait)
    }

    @Test("It is given up once, wherever it stands, and nothing follows", arguments: [0, 1, 2])
    func givenUp(_ place: Int) {
        var machine = Self.machine()
        if place > 0 { _ = machine.wrote(takesMore: place == 1) }
        #expect(machine.giveUp() == .tear)
        #expect(machine.giveUp() == .wait)
        #expect(machine.read(Self.stretch(.exact, 3, 6)) == .wait)
        #expect(machine.becameWritable() == .wait)
        #expect(machine.wrote(takesMore: true) == .wait)
    }

    @Test("A peer that left is answered no more")
    func left() {
        var machine = Self.reading()
        machine.left()
        #expect(machine.read(nil) == .wait)
        #expect(machine.giveUp() == .wait)
    }
}
