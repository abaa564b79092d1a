import Locks
import NIOCore
import StreamCore

/// What has been told to one event loop and not yet looked at. Anyone may put in; one wake-up of the loop takes out
/// everything that is there by then.
final class Mailbox: TailListener {
    private struct State {
        var signals: [(StreamName, StreamSignal)] = []
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
        state.withLock { $0.signals.append((name, signal)) }
    }

    func wake() {
        let mustSchedule = state.withLock { state in
            guard !state.isScheduled, !state.signals.isEmpty else { return false }
            state.isScheduled = true
            return true
        }
        if mustSchedule { eventLoop.execute(onMail) }
    }

    func take() -> [(StreamName, StreamSignal)] {
        state.withLock { state in
            state.isScheduled = false
            defer { state.signals = [] }
            return state.signals
        }
    }
}
