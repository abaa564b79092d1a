package import StreamCore

/// The life of one reader as a cursor into the log: what to do about what happens to its stream and its connection.
///
/// It keeps no events. A reader that is at the tail is handed what is committed, if it follows exactly what it has;
/// in every other case the machine asks for a read from the cursor. A reader whose connection takes no more stops
/// reading the log, costs nothing, and reads on from its cursor.
@available(freshet 0.1, *)
package struct SubscriberMachine {
    private enum State: Equatable {
        /// There is no such stream yet.
        case held
        /// The store is not yet known to follow the stream, or lost track of it: nothing may be concluded.
        case unready
        /// A read is on its way.
        case reading
        /// At the tail.
        case following
        /// The connection takes no more.
        case blocked
        case finished
    }

    package enum Step: Equatable {
        case wait
        case read(ReadPosition)
    }

    package enum BatchStep: Equatable {
        /// Write the items from this one on.
        case deliver(from: Int)
        case ignore
        case read(ReadPosition)
    }

    private var state: State
    /// The last event that was written; nil while the stream does not exist.
    package private(set) var cursor: Offset?
    /// Something happened while a read was on its way.
    private var hasMissed = false
    /// The store lost track while a read was on its way.
    private var hasLostTrack = false

    package init(holding: Void) { state = .held }

    package init(at cursor: Offset) {
        state = .unready
        self.cursor = cursor
    }

    package var isHeld: Bool { state == .held }
    package var isFollowing: Bool { state == .following }
    package var isBlocked: Bool { state == .blocked }
    package var isFinished: Bool { state == .finished }

    /// As others are told of it.
    package var standing: ReaderStanding.State {
        switch state {
        case .held: .waiting
        case .unready, .reading: cursor == nil ? .waiting : .catchingUp
        case .following, .finished: .following
        case .blocked: .stalled
        }
    }

    /// The store follows the stream: whatever happens from now on is told.
    ///
    /// - Parameter takesMore: the connection would take more.
    package mutating func ready(takesMore: Bool) -> Step {
        switch state {
        case .unready where !takesMore:
            state = .blocked
            return .wait
        case .held, .unready, .following: return startReading()
        case .reading:
            hasLostTrack = false
            return noteMissed()
        case .blocked, .finished: return .wait
        }
    }

    package mutating func created() -> Step {
        switch state {
        case .held: startReading()
        case .reading: noteMissed()
        default: .wait
        }
    }

    /// The store lost track of the stream.
    package mutating func broken() {
        switch state {
        case .following: state = .unready
        // What the read brings is written all the same, and moves the cursor.
        case .reading: hasLostTrack = true
        default: break
        }
    }

    /// Retention took everything up to the floor.
    package mutating func trimmed(floor: Offset) -> Step {
        switch state {
        case .following:
            if let cursor, cursor < floor { startReading() } else { .wait }
        case .reading: noteMissed()
        default: .wait
        }
    }

    /// The stream was taken away: what is read next tells whether it was this one.
    package mutating func removed() -> Step {
        switch state {
        case .following: startReading()
        case .reading: noteMissed()
        default: .wait
        }
    }

    /// Items were committed, in an unbroken chain; `boundaries` are the offsets before each item and after the last.
    package mutating func committed(_ boundaries: [Offset]) -> BatchStep {
        switch state {
        case .reading:
            hasMissed = true
            return .ignore
        case .following:
            guard let cursor, let last = boundaries.last else { return .ignore }
            if cursor == boundaries[0] {
                self.cursor = last
                return .deliver(from: 0)
            }
            if let index = boundaries.dropLast().firstIndex(of: cursor) {
                self.cursor = last
                return .deliver(from: index)
            }
            if cursor >= last { return .ignore }
            state = .reading
            return .read(.after(cursor))
        case .held, .unready, .blocked, .finished: return .ignore
        }
    }

    /// What came of a read: a page (nil when there is no such stream), which is written before this is asked.
    ///
    /// - Parameter takesMore: the connection would take more.
    package mutating func read(last: Offset?, isAtTail: Bool, takesMore: Bool) -> Step {
        guard state == .reading else { return .wait }
        guard let last else {
            // Still not there, unless it was created meanwhile.
            if hasMissed { return startReading() }
            state = .held
            return .wait
        }
        cursor = last
        if hasLostTrack {
            hasLostTrack = false
            state = .unready
            return .wait
        }
        if !takesMore {
            state = .blocked
            return .wait
        }
        if isAtTail, !hasMissed {
            state = .following
            return .wait
        }
        return startReading()
    }

    /// The connection takes no more. What was committed until now is written.
    package mutating func becameUnwritable() {
        if state == .following { state = .blocked }
    }

    package mutating func becameWritable() -> Step {
        state == .blocked ? startReading() : .wait
    }

    package mutating func finish() { state = .finished }

    private mutating func startReading() -> Step {
        state = .reading
        hasMissed = false
        return .read(cursor.map { .after($0) } ?? .start)
    }

    private mutating func noteMissed() -> Step {
        hasMissed = true
        return .wait
    }
}
