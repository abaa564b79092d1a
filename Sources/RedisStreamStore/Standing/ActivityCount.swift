import Locks
import StreamCore

/// Counts what a node does with Redis, whoever does it. Behind a lock.
@available(freshet 0.1, *)
final class ActivityCount: Sendable {
    private struct State {
        var activity = StoreActivity()
        var memory: Int?
        var memoryLimit: Int?
        var beats = 0
    }

    private let state = Mutex(State())
    private let time: any TimeSource

    init(time: any TimeSource) {
        self.time = time
    }

    var now: Duration { time.monotonic() }

    var activity: StoreActivity { state.withLock(\.activity) }

    var memory: (used: Int?, limit: Int?) { state.withLock { ($0.memory, $0.memoryLimit) } }

    func connected(_ session: RedisSession) {
        state.withLock { $0.activity.reconnects = max($0.activity.reconnects, Int(session.generation) - 1) }
    }

    /// Commands that were sent at once have their replies.
    func replied(_ commands: Int, since began: Duration) {
        let took = now - began
        state.withLock { state in
            state.activity.commands += commands
            state.activity.roundTrips.add(took)
        }
    }

    func swept(_ streams: Int) { state.withLock { $0.activity.swept += streams } }

    func buried() { state.withLock { $0.activity.buried += 1 } }

    /// Whether it is time to ask Redis for its memory: with every fifth beat, the first among them.
    func isToAskForMemory() -> Bool {
        state.withLock { state in
            defer { state.beats += 1 }
            return state.beats % 5 == 0
        }
    }

    func uses(memory: Int?, limit: Int?) {
        state.withLock { state in
            state.memory = memory
            // 0 is Redis's word for none.
            state.memoryLimit = limit.flatMap { $0 > 0 ? $0 : nil }
        }
    }
}
