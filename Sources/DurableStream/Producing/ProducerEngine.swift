import EventSource
import Locks

/// Carries out what the producer machine decides: sends the requests, waits, and wakes those who wait for it.
///
/// What callers, requests and timers share is behind its mutex.
@available(freshet 0.1, *)
final class ProducerEngine: Sendable {
    typealias Machine = ProducerMachine<SystemRandomNumberGenerator>
    typealias Progress = @Sendable (_ bytes: Int, _ appends: Int, _ trouble: String?) -> Void

    /// What a caller waits for.
    enum Wish: Sendable {
        /// More input may be put in, or none any more.
        case room
        /// Everything whole that was put in is acknowledged, or never will be.
        case flush
        case outcome
    }

    /// What a caller is told.
    struct Standing: Sendable {
        var outcome: Machine.Outcome?
        var isClosed: Bool
        /// What was wrong with the input.
        var inputTrouble: String?
        var refusal: (status: Int, code: String?)?
        var isFlushed: Bool
        var acknowledgedOffset: String?
        /// How the stream was to end, once that was said.
        var asked: EventSource.End?
    }

    private struct Waiter: Sendable {
        var wish: Wish
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var machine: Machine
        var asked: EventSource.End?
        var timer: Task<Void, Never>?
        var sending: Task<Void, Never>?
        var waiters: [Int: Waiter] = [:]
        var lastWaiter = 0

        func isFulfilled(_ wish: Wish) -> Bool {
            if machine.outcome != nil { return true }
            return switch wish {
            case .room: machine.wantsInput || machine.isClosed
            case .flush: machine.isFlushed || machine.inputTrouble != nil
            case .outcome: false
            }
        }
    }

    private let state: Mutex<State>
    private let begin = ContinuousClock.now
    private let send: @Sendable (Machine.Request) async throws -> StreamResponse
    /// Told how many bytes and appends are acknowledged, and what is being waited for.
    private let progress: Progress

    init(
        settings: Machine.Settings,
        progress: @escaping Progress,
        send: @escaping @Sendable (Machine.Request) async throws -> StreamResponse
    ) {
        let machine = Machine(settings: settings, random: SystemRandomNumberGenerator())
        state = Mutex(State(machine: machine))
        self.progress = progress
        self.send = send
    }

    var standing: Standing {
        state.withLock { state in
            Standing(
                outcome: state.machine.outcome,
                isClosed: state.machine.isClosed,
                inputTrouble: state.machine.inputTrouble,
                refusal: state.machine.refusal,
                isFlushed: state.machine.isFlushed,
                acknowledgedOffset: state.machine.acknowledgedOffset,
                asked: state.asked
            )
        }
    }

    func start() {
        step { $0.start(at: $1) }
    }

    func put(_ bytes: [UInt8], isEvent: Bool) {
        step { $0.received(bytes, isEvent: isEvent, at: $1) }
    }

    /// No more is put in; the stream ends so, or is left open.
    func finish(as end: EventSource.End?) {
        state.withLock { if !$0.machine.isClosed { $0.asked = end } }
        step { $0.inputEnded(as: end, at: $1) }
    }

    /// The input ended in good order, and the stream ends as its settings say.
    func inputEnded() {
        step { $0.inputEnded(at: $1) }
    }

    func inputBroke(_ reason: String) {
        step { $0.inputBroke(reason, at: $1) }
    }

    /// Drops everything.
    func stop() {
        step { $0.stop(at: $1) }
    }

    /// Returns when it is so, and also when the task is cancelled.
    func wait(for wish: Wish) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = state.withLock { state in
                    if Task.isCancelled || state.isFulfilled(wish) { return true }
                    state.waiters[id] = Waiter(wish: wish, continuation: continuation)
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: id) }
            waiter?.continuation.resume()
        }
    }

    /// - Parameter reason: what the server said, or why it said nothing, where that is what happened.
    private func step(_ change: (inout Machine, Duration) -> Machine.Action, telling reason: String? = nil) {
        let now = ContinuousClock.now - begin
        let (request, given, ready, report) = state.withLock { state in
            let action = change(&state.machine, now)
            // Under the lock: of two timers the later one counts.
            state.timer?.cancel()
            state.timer = nil
            var request: Machine.Request?
            var given: Task<Void, Never>?
            switch action {
            case .send(let next): request = next
            case .wait(let time): state.timer = timer(at: time)
            case .finish: given = state.sending.take()
            case .nothing: break
            }
            let ready = state.waiters.filter { state.isFulfilled($0.value.wish) }
            for id in ready.keys { state.waiters.removeValue(forKey: id) }
            let report = reason.map { reason in
                (
                    state.machine.acknowledgedBytes, state.machine.acknowledgedAppends,
                    state.machine.isTroubled ? reason : nil
                )
            }
            return (request, given, ready.values.map(\.continuation), report)
        }
        // Nobody waits for its answer any more. Not under the lock: it runs code of the transport.
        given?.cancel()
        if let report { progress(report.0, report.1, report.2) }
        for continuation in ready { continuation.resume() }
        guard let request else { return }
        // No other request can have been decided on meanwhile: this one is in flight.
        state.withLock { state in
            guard state.machine.outcome == nil else { return }
            state.sending = Task { await self.carryOut(request) }
        }
    }

    private func carryOut(_ request: Machine.Request) async {
        do {
            let response = try await send(request)
            step({ $0.answered(response, at: $1) }, telling: response.problem)
        } catch let error as DurableStreamError {
            step({ $0.unsendable(error.message, at: $1) }, telling: error.message)
        } catch {
            let reason = TransportTrouble.describe(error)
            step({ $0.failed(reason, at: $1) }, telling: reason)
        }
    }

    private func timer(at time: Duration) -> Task<Void, Never> {
        let moment = begin + time
        return Task {
            guard (try? await Task.sleep(until: moment, clock: .continuous)) != nil else { return }
            self.step { $0.timer(at: $1) }
        }
    }
}
