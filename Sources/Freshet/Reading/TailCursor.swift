import Locks
import StreamCore

/// Waits for news of one stream. It holds none of them: whoever is woken reads the log from where it stands.
@available(freshet 0.1, *)
final class TailCursor: TailListener {
    fileprivate struct State {
        /// Something happened since the last look. The first look is always worth it.
        var hasChanged = false
        /// The store would miss nothing.
        var isReady = false
        var removal: Removal?
        var hasStopped = false
        var waiting: CheckedContinuation<Void, Never>?

        var mayGoOn: Bool { hasStopped || (isReady && hasChanged) }
    }

    private let state = Mutex(State())

    /// How the stream was taken away, if it was.
    var removal: Removal? { state.withLock(\.removal) }

    func signal(_ signal: StreamSignal, of name: StreamName) {
        state.withLock { state in
            switch signal {
            case .broken: state.isReady = false
            case .ready:
                state.isReady = true
                state.hasChanged = true
            case .removed(let removal):
                state.removal = removal
                state.hasChanged = true
            case .created, .committed, .trimmed: state.hasChanged = true
            case .superseded: break
            }
        }
    }

    func wake() {
        let waiting = state.withLock { $0.mayGoOn ? $0.takeWaiting() : nil }
        waiting?.resume()
    }

    /// Nothing more is to be waited for.
    func stop() {
        let waiting = state.withLock { state in
            state.hasStopped = true
            return state.takeWaiting()
        }
        waiting?.resume()
    }

    /// Returns when something happened since the last return. One call at a time.
    func changed() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state in
                    if state.mayGoOn || Task.isCancelled { return true }
                    state.waiting = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiting() }?.resume()
        }
        try Task.checkCancellation()
        let hasStopped = state.withLock { state in
            state.hasChanged = false
            return state.hasStopped
        }
        if hasStopped {
            throw EventStreamError(.stopped, "The server was stopped. What was read so far is kept; read on later.")
        }
    }
}

@available(freshet 0.1, *)
extension TailCursor.State {
    fileprivate mutating func takeWaiting() -> CheckedContinuation<Void, Never>? {
        defer { waiting = nil }
        return waiting
    }
}
