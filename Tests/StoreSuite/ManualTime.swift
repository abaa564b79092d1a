import Locks
import StreamCore

/// Clocks that a test moves. The wall clock may step, the monotonic one only advances.
@available(freshet 0.1, *)
package final class ManualTime: TimeSource {
    private struct State {
        var monotonic: Duration = .seconds(1000)
        var wall: UInt64 = 1_800_000_000_000
    }

    private let state = Mutex(State())

    package init() {}

    package func monotonic() -> Duration { state.withLock(\.monotonic) }

    package func wallMilliseconds() -> UInt64 { state.withLock(\.wall) }

    /// Time passes on both clocks.
    package func advance(by duration: Duration) {
        state.withLock { state in
            state.monotonic += duration
            state.wall += UInt64(duration / .milliseconds(1))
        }
    }

    /// Someone sets the wall clock.
    package func stepWall(by milliseconds: Int64) {
        state.withLock { $0.wall = UInt64(Int64($0.wall) + milliseconds) }
    }
}
