package import StreamCore

/// The body of a catch-up read: everything after a position, up to an offset that its head has promised.
///
/// Either the body ends with exactly that event, or it is torn: what is short never looks whole. It knows no store and
/// no transport: `CatchUp` does what it says.
@available(freshet 0.1, *)
package struct CatchUpMachine {
    /// What a read of the store found after the last event that was written.
    package struct Stretch: Equatable, Sendable {
        package var standing: Page.Standing
        package var offsets: [Offset]

        package init(standing: Page.Standing, offsets: [Offset]) {
            self.standing = standing
            self.offsets = offsets
        }
    }

    package enum Step: Equatable, Sendable {
        /// The peer takes no more now, or a read is under way, or all is over.
        case wait
        case read(after: Offset)
        /// Write so many events of what was read.
        case write(Int)
        /// The body is exactly what was promised.
        case complete
        /// The body cannot be completed, and the peer has to see that.
        case tear
    }

    private enum State: Equatable {
        /// So many events are to be written.
        case writing
        case reading
        /// The peer takes no more.
        case blocked
        case over
    }

    private var state = State.writing
    private var position: Offset
    private let through: Offset

    /// Begins with the events up to an offset in hand, and has promised those up to another.
    package init(at position: Offset, through: Offset) {
        self.position = position
        self.through = through
    }

    package var isOver: Bool { state == .over }

    /// What was in hand is written.
    package mutating func wrote(takesMore: Bool) -> Step {
        guard state == .writing else { return .wait }
        if position == through { return enter(.over, .complete) }
        return takesMore ? enter(.reading, .read(after: position)) : enter(.blocked, .wait)
    }

    package mutating func becameWritable() -> Step {
        guard state == .blocked else { return .wait }
        return enter(.reading, .read(after: position))
    }

    /// What was found; nil when there is no such stream any more, or the store failed.
    package mutating func read(_ stretch: Stretch?) -> Step {
        guard state == .reading else { return .wait }
        guard let stretch, stretch.standing == .exact else { return enter(.over, .tear) }
        let count = stretch.offsets.firstIndex { $0 > through } ?? stretch.offsets.count
        // The log ends before what was promised, or goes on without it: it is not the log that was promised from.
        guard count > 0, count == stretch.offsets.count || stretch.offsets[count - 1] == through else {
            return enter(.over, .tear)
        }
        position = stretch.offsets[count - 1]
        return enter(.writing, .write(count))
    }

    /// The server goes away, or the peer has taken nothing for too long.
    package mutating func giveUp() -> Step {
        state == .over ? .wait : enter(.over, .tear)
    }

    /// The peer is gone.
    package mutating func left() { state = .over }

    private mutating func enter(_ state: State, _ step: Step) -> Step {
        self.state = state
        return step
    }
}
