import Locks

/// A value that is told once and waited for by any number of tasks.
@available(freshet 0.1, *)
final class Announcement<Value: Sendable>: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Value, any Error>])
        case told(Result<Value, any Error>)
    }

    private let state = Mutex(State.waiting([]))

    /// Tells it. What is told later is not heard.
    func tell(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> [CheckedContinuation<Value, any Error>] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .told(result)
            return waiting
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let told = state.withLock { state -> Result<Value, any Error>? in
                switch state {
                case .told(let result): return result
                case .waiting(var waiting):
                    state = .waiting([])
                    waiting.append(continuation)
                    state = .waiting(waiting)
                    return nil
                }
            }
            if let told { continuation.resume(with: told) }
        }
    }
}
