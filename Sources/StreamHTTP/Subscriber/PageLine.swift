import DequeModule
import NIOCore
import StreamCore

/// The readers on one event loop that are to be given a page, in the order in which they asked.
///
/// A page is read from the store, encoded and written in one turn, and only few turns are under way at a time: however
/// many readers come at once, what has been read and is not yet written is bounded. It counts as in flight from before
/// it is read until it is written, and then as output of its connection. Where others have to give way for it, the next
/// turn waits until they have let go.
///
/// NIO runs everything that is executed on a loop, and what that executes in turn, before it looks at its sockets again.
/// Pages that follow one another as tasks would keep everybody else's bytes waiting. So after a while the line rests, and
/// the loop goes around.
///
/// Bound to its loop.
@available(freshet 0.1, *)
final class PageLine {
    /// One page. The turn lasts until `end` is called, which must be once.
    final class Turn {
        private let line: PageLine
        fileprivate var bytes = PageLimit().bytes
        fileprivate var since: NIODeadline

        fileprivate init(_ line: PageLine) {
            self.line = line
            since = line.now()
        }

        /// So many bytes of events were read. They are in memory twice while they are encoded.
        func came(_ bytes: Int) { line.came(2 * bytes, self) }

        func end() { line.ended(self) }
    }

    /// So many turns are under way at most: while some wait for the disk, another is written.
    static let width = 4
    /// After so much work the line rests.
    static let slice = TimeAmount.milliseconds(1)
    /// For this part of the time that it has worked.
    static let restPart: Int64 = 8
    /// Others that give way are waited for this long: their loop may be busy.
    static let patience = TimeAmount.milliseconds(50)

    private let eventLoop: any EventLoop
    private let budget: InflightBudget
    private let now: () -> NIODeadline
    private var waiting: Deque<(Turn) -> Void> = []
    private var underWay = 0
    /// What the turns under way hold.
    private var held = 0
    /// What of it counts against the budget.
    private var counted = 0
    private var spent = TimeAmount.zero
    private var isServing = false
    private var isPaused = false
    /// Counts pauses, so that whoever ends one ends no other.
    private var pauses = 0
    private var hasLostPatience = false

    init(eventLoop: any EventLoop, budget: InflightBudget, now: (() -> NIODeadline)? = nil) {
        self.eventLoop = eventLoop
        self.budget = budget
        self.now = now ?? { eventLoop.now }
    }

    deinit { count(0) }

    /// Calls `begin` when it is its turn: at once where nobody waits.
    func take(_ begin: @escaping (Turn) -> Void) {
        waiting.append(begin)
        serve()
    }

    private func serve() {
        guard !isServing, !isPaused else { return }
        isServing = true
        defer { isServing = false }
        while underWay < Self.width, !waiting.isEmpty {
            guard spent < Self.slice else { return rest() }
            count(held + PageLimit().bytes)
            guard !waitsForRoom(), let begin = waiting.popFirst() else { return }
            let turn = Turn(self)
            underWay += 1
            held += turn.bytes
            begin(turn)
        }
    }

    private func came(_ bytes: Int, _ turn: Turn) {
        held += bytes - turn.bytes
        turn.bytes = bytes
        count(held)
        // The time that it took to read was not this loop's.
        turn.since = now()
    }

    private func ended(_ turn: Turn) {
        underWay -= 1
        held -= turn.bytes
        count(held)
        spent = spent + (now() - turn.since)
        serve()
    }

    private func count(_ bytes: Int) {
        guard bytes != counted else { return }
        counted = bytes
        // It is over soon, and gives way to nobody.
        if bytes > 0 { budget.hold(bytes, .work, for: self, from: "") {} } else { budget.release(self) }
    }

    // MARK: Pauses

    private func rest() {
        let (bound, number) = pause()
        eventLoop.scheduleTask(in: .nanoseconds(spent.nanoseconds / Self.restPart)) {
            bound.value.spent = .zero
            bound.value.goOn(number)
        }
    }

    /// Whether others give way, and have not yet let go of what they hold.
    private func waitsForRoom() -> Bool {
        guard budget.isCrowded, !hasLostPatience else {
            hasLostPatience = false
            return false
        }
        let (bound, number) = pause()
        let eventLoop = eventLoop
        budget.whenNotCrowded { eventLoop.execute { bound.value.goOn(number) } }
        eventLoop.scheduleTask(in: Self.patience) {
            bound.value.hasLostPatience = bound.value.isPaused && bound.value.pauses == number
            bound.value.goOn(number)
        }
        return true
    }

    private func pause() -> (NIOLoopBound<PageLine>, Int) {
        isPaused = true
        pauses += 1
        return (NIOLoopBound(self, eventLoop: eventLoop), pauses)
    }

    private func goOn(_ number: Int) {
        guard isPaused, number == pauses else { return }
        isPaused = false
        serve()
    }
}
