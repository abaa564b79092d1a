import Locks

/// Passes batches of what was read from the task that reads the network to the one that takes them, at most one batch
/// ahead: a reader that stops taking stops the network, and memory stays bounded by one read.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
package final class Handoff<Batch: Sendable>: Sendable {
    private struct State {
        var batch: Batch?
        var finished: Result<Void, any Error>?
        var sender: CheckedContinuation<Void, Never>?
        var receiver: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Gives a batch, when the one before it has been taken. Returns at once if nobody takes any more.
    package func send(_ batch: Batch) async {
        while true {
            let isDone = state.withLock { state in
                if state.finished != nil { return true }
                guard state.batch == nil else { return false }
                state.batch = batch
                state.receiver.take()?.resume()
                return true
            }
            if isDone { return }
            await wait(\.sender) { $0.batch != nil }
        }
    }

    /// No more batches will come; those given before are still taken.
    package func finish(_ result: Result<Void, any Error>) {
        state.withLock { state in
            if state.finished == nil { state.finished = result }
            state.sender.take()?.resume()
            state.receiver.take()?.resume()
        }
    }

    /// The next batch; nil after the last one, and when the task is cancelled.
    package func next() async throws -> Batch? {
        try await withTaskCancellationHandler {
            while true {
                if let batch = state.withLock({ state in
                    state.sender.take()?.resume()
                    return state.batch.take()
                }) {
                    return batch
                }
                if let finished = state.withLock({ $0.finished }) {
                    try finished.get()
                    return nil
                }
                await wait(\.receiver) { $0.batch == nil }
            }
        } onCancel: {
            finish(.success(()))
        }
    }

    /// Sleeps until the other side did something, unless that happened meanwhile.
    private func wait(
        _ waiter: WritableKeyPath<State, CheckedContinuation<Void, Never>?>,
        while isBlocked: (borrowing State) -> Bool
    ) async {
        await withCheckedContinuation { continuation in
            let resumeNow = state.withLock { state in
                guard isBlocked(state), state.finished == nil else { return true }
                state[keyPath: waiter] = continuation
                return false
            }
            if resumeNow { continuation.resume() }
        }
    }
}
