import Locks
import NIOCore

/// What sends one thing at a time: a producer of a stream, a connection. What is due while it is busy is sent as soon as
/// it is not, and still counts from when it was due.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class Lane: Sendable {
    /// Sends what has this number and calls `done` once, on any thread.
    typealias Send = @Sendable (_ number: Int, _ done: @escaping @Sendable () -> Void) -> Void

    private struct State {
        /// Numbers that are due and not yet sent: from the first, each so many after the one before.
        var next: Int
        var waiting = 0
        var isBusy = false
        var isStopped = false
    }

    private let step: Int
    private let loop: any EventLoop
    private let send: Send
    private let state: Mutex<State>

    /// - Parameters:
    ///   - first: Its first number; the others follow at equal steps.
    ///   - loop: Where `send` is called.
    init(first: Int, step: Int, loop: any EventLoop, send: @escaping Send) {
        self.step = step
        self.loop = loop
        self.send = send
        state = Mutex(State(next: first))
    }

    /// Neither sends nor has anything to send.
    var isIdle: Bool { state.withLock { !$0.isBusy && $0.waiting == 0 } }

    /// How many were due and are not sent.
    var unsent: Int { state.withLock { $0.waiting } }

    /// Its next number is due. Called on its loop.
    ///
    /// - Returns: Whether it has to wait for the one before.
    func due() -> Bool {
        let isHeld = state.withLock { state in
            state.waiting += 1
            return state.isBusy
        }
        if !isHeld { sendNext() }
        return isHeld
    }

    /// Sends nothing more, whatever is due.
    func stop() { state.withLock { $0.isStopped = true } }

    private func sendNext() {
        let number = state.withLock { state -> Int? in
            guard state.waiting > 0, !state.isBusy, !state.isStopped else { return nil }
            state.isBusy = true
            state.waiting -= 1
            defer { state.next += step }
            return state.next
        }
        guard let number else { return }
        send(number) {
            self.state.withLock { $0.isBusy = false }
            // Not from within the answer to the one before: many in a row would be a deep stack.
            self.loop.execute { self.sendNext() }
        }
    }
}

/// Tells the lanes of one loop what is due.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class Pacer: Sendable {
    /// Between two turns of the loop, so that what was answered is read too.
    private static let mostInATurn = 256

    private struct State {
        var next = 0
        var isDone = false
    }

    private let schedule: Schedule
    private let lanes: [Lane?]
    private let loop: any EventLoop
    private let measurements: Measurements
    private let state = Mutex(State())

    /// - Parameter lanes: All lanes of the run, with nil for those of other loops: event `n` is that of lane `n` modulo
    ///   their number.
    init(_ schedule: Schedule, lanes: [Lane?], loop: any EventLoop, measurements: Measurements) {
        self.schedule = schedule
        self.lanes = lanes
        self.loop = loop
        self.measurements = measurements
    }

    /// All that is due has been told, or it was stopped.
    var isDone: Bool { state.withLock { $0.isDone } }

    func begin() { loop.execute { self.turn() } }

    func stop() { state.withLock { $0.isDone = true } }

    private func turn() {
        guard !isDone else { return }
        var next = state.withLock { $0.next }
        var told = 0
        while next < schedule.count, told < Self.mostInATurn {
            guard let lane = lanes[next % lanes.count] else {
                next += 1
                continue
            }
            let (due, now) = (schedule.due(next), BenchClock.now)
            guard due <= now else { break }
            measurements.record(.lateness, from: due, to: now)
            if lane.due() { measurements.count(.held, at: now) }
            next += 1
            told += 1
        }
        let (position, isLast) = (next, next >= schedule.count)
        state.withLock { state in
            state.next = position
            if isLast { state.isDone = true }
        }
        guard !isLast else { return }
        if told == Self.mostInATurn {
            loop.execute { self.turn() }
        } else {
            loop.scheduleTask(deadline: .uptimeNanoseconds(schedule.due(position))) { self.turn() }
        }
    }
}
