import Locks

/// A clock on which nobody's time passes until the test says so.
@available(freshet 0.1, *)
package final class HeldClock: Clock, Sendable {
    package let now = ContinuousClock.now
    package var minimumResolution: Duration { .zero }

    private struct Sleeper {
        var time: Duration
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var sleepers: [Int: Sleeper] = [:]
        var count = 0
    }

    private let state = Mutex(State())

    package init() {}

    package func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.count += 1
            return state.count
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let sleeps = state.withLock { state in
                    guard !Task.isCancelled else { return false }
                    state.sleepers[id] = Sleeper(time: now.duration(to: deadline), continuation: continuation)
                    return true
                }
                if !sleeps { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// How long each sleeps that does.
    package var times: [Duration] { state.withLock { $0.sleepers.values.map(\.time) } }

    /// Waits until somebody sleeps for so long, and wakes them.
    package func pass(_ time: Duration) async {
        while true {
            let found = state.withLock { state in
                let found = state.sleepers.first { $0.value.time == time }
                if let found { state.sleepers[found.key] = nil }
                return found?.value.continuation
            }
            if let found { return found.resume() }
            await Task.yield()
        }
    }
}
