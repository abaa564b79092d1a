import Locks

/// Notices that a connection is silent while something waits for it. Time in which nobody reads does not count.
///
/// What it shares between the reading and the watching task is behind its mutex.
@available(freshet 0.1, *)
package final class IdleWatchdog: Sendable {
    /// Since when a read waits; nil while none does.
    private let waitingSince = Mutex<ContinuousClock.Instant?>(nil)
    private let timeout: Duration

    package init(timeout: Duration) {
        self.timeout = timeout
    }

    package func readBegins() {
        waitingSince.withLock { $0 = .now }
    }

    package func readEnds() {
        waitingSince.withLock { $0 = nil }
    }

    /// Returns when a read has waited for the timeout; throws when cancelled.
    package func expire() async throws {
        while true {
            let now = ContinuousClock.now
            let deadline = (waitingSince.withLock { $0 } ?? now) + timeout
            if deadline <= now { return }
            try await Task.sleep(until: deadline, clock: .continuous)
        }
    }
}
