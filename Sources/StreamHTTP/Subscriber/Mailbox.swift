import Locks
import NIOCore
import StreamCore

/// What has been told to one event loop and not yet looked at. Anyone may put in; one wake-up of the loop takes out
/// everything that is there by then.
@available(freshet 0.1, *)
final class Mailbox: TailListener {
    private struct State {
        var signals: [(StreamName, StreamSignal)] = []
        /// Since when the first of them waits.
        var since = NIODeadline.distantFuture
        var isScheduled = false
    }

    private let state = Mutex(State())
    private let eventLoop: any EventLoop
    private let onMail: @Sendable () -> Void

    /// - Parameter onMail: called on the event loop when there is something to take.
    init(eventLoop: any EventLoop, onMail: @escaping @Sendable () -> Void) {
        self.eventLoop = eventLoop
        self.onMail = onMail
    }

    func signal(_ signal: StreamSignal, of name: StreamName) {
        // Nothing that a reader sees.
        if case .superseded = signal { return }
        state.withLock { state in
            if state.signals.isEmpty { state.since = .now() }
            state.signals.append((name, signal))
        }
    }

    func wake() {
        let mustSchedule = state.withLock { state in
            guard !state.isScheduled, !state.signals.isEmpty else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { eventLoop.execute(onMail) }
    }

    func take() -> (signals: [(StreamName, StreamSignal)], since: NIODeadline) {
        state.withLock { state in
            state.isScheduled = false
            defer { state.signals = [] }
            return (state.signals, state.since)
        }
    }
}
