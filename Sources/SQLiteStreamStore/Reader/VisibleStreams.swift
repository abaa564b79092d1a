import Locks
import StreamCore

/// All streams as readers may see them, and who watches them. One lock guards both, so that whoever watches is told
/// of exactly what a read after `ready` does not show.
@available(freshet 0.1, *)
final class VisibleStreams: Sendable {
    struct State {
        var streams: [StreamName: VisibleStream] = [:]
        /// Names of streams that are gone and have forks.
        var tombstones: Set<StreamName> = []
        var watchers: [StreamName: [ObjectIdentifier: any StreamWatcher]] = [:]
        /// Why none of this may be told any more.
        var loss: StoreError?
        /// Those of the streams.
        var names = OrderedNames()
    }

    let state = Mutex(State())

    /// Nothing is read from here on, and whoever follows a stream is made to find out.
    func lose(_ error: StoreError) {
        let watchers = state.withLock { state in
            state.loss = error
            let watchers = state.watchers.values.flatMap(\.values)
            for watcher in watchers {
                watcher.signal(.broken)
                watcher.signal(.ready)
            }
            return watchers
        }
        for watcher in watchers { watcher.wake() }
    }

    /// Reads the state, unless it is lost.
    func look<Value: Sendable>(_ body: (borrowing State) -> Value) throws(StoreError) -> Value {
        try state.withLock { state throws(StoreError) in
            if let loss = state.loss { throw loss }
            return body(state)
        }
    }

    func list<Value: Sendable>(
        _ names: NameRanges,
        after: String?,
        limit: Int,
        _ value: (StreamState) -> Value
    ) throws(StoreError) -> [Value] {
        try OrderedNames.slices(after: after, limit: limit) { after, limit throws(StoreError) in
            try state.withLock { state throws(StoreError) in
                if let loss = state.loss { throw loss }
                return state.names.page(names, after: after, limit: limit)
                    .compactMap { name in state.streams[name].map { (name, value($0.state)) } }
            }
        }
    }
}
