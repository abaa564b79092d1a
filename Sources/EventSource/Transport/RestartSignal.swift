import Locks

/// Asks the task that reads a subscription to drop its connection. What is asked stays asked until it is taken.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class RestartSignal: Sendable {
    private struct State {
        var isAsked = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    func ask() {
        state.withLock { state in
            state.isAsked = true
            state.waiter.take()?.resume()
        }
    }

    /// Whether it was asked for; it is not any more.
    @discardableResult
    func take() -> Bool {
        state.withLock { state in
            defer { state.isAsked = false }
            return state.isAsked
        }
    }

    /// Returns when it is asked for, or the task is cancelled. One task at a time waits.
    func asked() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumeNow = state.withLock { state in
                    guard !state.isAsked, !Task.isCancelled else { return true }
                    state.waiter = continuation
                    return false
                }
                if resumeNow { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiter.take()?.resume() }
        }
    }

    /// Does work until it is done, or until a restart is asked for, which cancels it.
    ///
    /// - Returns: What the work returned; nil if a restart was asked for. It is not taken by this.
    /// - Throws: What the work threw, or `CancellationError` if the task is cancelled.
    func interrupting<Result: Sendable>(
        _ work: @escaping @Sendable () async throws -> Result
    ) async throws -> Result? {
        let result = try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await work() }
            group.addTask {
                await self.asked()
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
        if result == nil { try Task.checkCancellation() }
        return result
    }
}
