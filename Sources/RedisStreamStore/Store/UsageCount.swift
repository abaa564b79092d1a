import Locks
import StreamCore

/// What the store holds, as this node knows it: what all nodes had told Redis when it was last asked, and what this one did
/// since.
@available(freshet 0.1, *)
final class UsageCount: Sendable {
    private struct State {
        var total = StoreUsage(streams: 0, bytes: 0)
        var unsent = StoreUsage(streams: 0, bytes: 0)
        var sending = StoreUsage(streams: 0, bytes: 0)
    }

    private let state = Mutex(State())

    /// Counts what a call of this node changed.
    func add(streams: Int = 0, bytes: Int) {
        state.withLock { state in
            state.unsent.streams += streams
            state.unsent.bytes += bytes
        }
    }

    var usage: StoreUsage {
        state.withLock { state in
            StoreUsage(
                streams: max(0, state.total.streams + state.unsent.streams + state.sending.streams),
                bytes: max(0, state.total.bytes + state.unsent.bytes + state.sending.bytes)
            )
        }
    }

    /// Takes what is to be told, for whoever tells it. One at a time.
    func take() -> StoreUsage {
        state.withLock { state in
            state.sending.streams += state.unsent.streams
            state.sending.bytes += state.unsent.bytes
            state.unsent = StoreUsage(streams: 0, bytes: 0)
            return state.sending
        }
    }

    /// It may have been told: it is not told again. A total that is a little wrong costs nothing.
    func mayHaveTold() {
        state.withLock { state in
            state.total.streams += state.sending.streams
            state.total.bytes += state.sending.bytes
            state.sending = StoreUsage(streams: 0, bytes: 0)
        }
    }

    /// It was told, and this is what all come to.
    func told(_ total: StoreUsage) {
        state.withLock { state in
            state.total = total
            state.sending = StoreUsage(streams: 0, bytes: 0)
        }
    }
}
