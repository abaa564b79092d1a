import Locks

/// What follows streams on this node: one per event loop, one per in-process reader, one per streaming producer.
///
/// `signal` is called in commit order and must only note; `wake` follows outside of every lock.
@available(freshet 0.1, *)
package protocol TailListener: AnyObject, Sendable {
    func signal(_ signal: StreamSignal, of name: StreamName)
    func wake()
}

/// Where a node's followers meet a store: each stream is watched once, however many follow it.
///
/// The rule for everyone behind it: follow, wait for `ready`, read after the last offset, then deliver an item only if
/// its predecessor is the last one delivered. Anything else means read again. So replaying and following cannot differ,
/// and there is no seam between them.
@available(freshet 0.1, *)
package final class Hub: Sendable {
    private let store: any StreamStore
    private let watches = Mutex<[StreamName: Watch]>([:])
    private let onChange: (@Sendable (StreamName) -> Void)?

    /// - Parameter onChange: told, outside of every lock, of streams that are followed and were created or removed, or
    ///   may have been.
    package init(store: any StreamStore, onChange: (@Sendable (StreamName) -> Void)? = nil) {
        self.store = store
        self.onChange = onChange
    }

    /// Begins to follow. The listener is told `ready` first, at once if the stream is already watched.
    package func follow(_ name: StreamName, _ listener: any TailListener) {
        let (watch, isNew) = watches.withLock { watches in
            if let watch = watches[name] {
                watch.add(listener)
                return (watch, false)
            }
            let watch = Watch(name: name, onChange: onChange)
            watch.add(listener)
            watches[name] = watch
            return (watch, true)
        }
        guard isNew else { return watch.wake() }
        store.watch(name, watch)
        // Who followed may have left, on another thread, before the store was told.
        if watches.withLock({ $0[name] !== watch }) { store.unwatch(name, watch) }
    }

    package func unfollow(_ name: StreamName, _ listener: any TailListener) {
        let idle = watches.withLock { watches -> Watch? in
            guard let watch = watches[name], watch.remove(listener) else { return nil }
            watches[name] = nil
            return watch
        }
        if let idle { store.unwatch(name, idle) }
    }
}

/// One stream's entry in the hub: passes on what the store tells, in its order.
@available(freshet 0.1, *)
private final class Watch: StreamWatcher {
    private struct State {
        var isReady = false
        /// It was created or removed since somebody was told so.
        var hasChanged = false
        var listeners: [ObjectIdentifier: any TailListener] = [:]
    }

    private let name: StreamName
    private let onChange: (@Sendable (StreamName) -> Void)?
    private let state = Mutex(State())

    init(name: StreamName, onChange: (@Sendable (StreamName) -> Void)?) {
        self.name = name
        self.onChange = onChange
    }

    func add(_ listener: any TailListener) {
        state.withLock { state in
            state.listeners[ObjectIdentifier(listener)] = listener
            if state.isReady { listener.signal(.ready, of: name) }
        }
    }

    /// True when nobody is left.
    func remove(_ listener: any TailListener) -> Bool {
        state.withLock { state in
            state.listeners[ObjectIdentifier(listener)] = nil
            return state.listeners.isEmpty
        }
    }

    func signal(_ signal: StreamSignal) {
        state.withLock { state in
            switch signal {
            case .ready: state.isReady = true
            // What happens until it is ready again is told to nobody.
            case .broken: (state.isReady, state.hasChanged) = (false, true)
            case .created, .removed: state.hasChanged = true
            default: break
            }
            for listener in state.listeners.values { listener.signal(signal, of: name) }
        }
    }

    func wake() {
        let (listeners, hasChanged) = state.withLock { state in
            let hasChanged = state.hasChanged && state.isReady
            if hasChanged { state.hasChanged = false }
            return (Array(state.listeners.values), hasChanged)
        }
        if hasChanged { onChange?(name) }
        for listener in listeners { listener.wake() }
    }
}
