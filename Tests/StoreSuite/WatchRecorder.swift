import Locks
package import StreamCore

/// Notes what a store or a hub tells, in its order, and lets a test wait until it has heard enough.
@available(freshet 0.1, *)
package final class WatchRecorder: StreamWatcher, TailListener {
    private struct State {
        var signals: [StreamSignal] = []
        var wakes = 0
        var waiting: [([StreamSignal]) -> Bool] = []
        var continuations: [CheckedContinuation<[StreamSignal], Never>] = []
    }

    private let state = Mutex(State())

    package init() {}

    package var signals: [StreamSignal] { state.withLock(\.signals) }
    package var wakes: Int { state.withLock(\.wakes) }
    package var items: [CommittedItem] { signals.items }

    package func signal(_ signal: StreamSignal) { state.withLock { $0.signals.append(signal) } }

    package func signal(_ signal: StreamSignal, of name: StreamName) { self.signal(signal) }

    package func wake() {
        let ready = state.withLock { state in
            state.wakes += 1
            var ready: [CheckedContinuation<[StreamSignal], Never>] = []
            for index in state.waiting.indices.reversed() where state.waiting[index](state.signals) {
                state.waiting.remove(at: index)
                ready.append(state.continuations.remove(at: index))
            }
            return (ready, state.signals)
        }
        for continuation in ready.0 { continuation.resume(returning: ready.1) }
    }

    /// Returns when what was told is enough, or is already. The test's time limit bounds the wait.
    @discardableResult
    package func wait(until isEnough: @escaping @Sendable ([StreamSignal]) -> Bool) async -> [StreamSignal] {
        await withCheckedContinuation { continuation in
            let enough = state.withLock { state -> [StreamSignal]? in
                if isEnough(state.signals) { return state.signals }
                state.waiting.append(isEnough)
                state.continuations.append(continuation)
                return nil
            }
            if let enough { continuation.resume(returning: enough) }
        }
    }
}

@available(freshet 0.1, *)
extension [StreamSignal] {
    package var items: [CommittedItem] {
        compactMap { signal in if case .committed(let item) = signal { item } else { nil } }
    }

    /// The signals as short words, to compare.
    package var words: [String] {
        map { signal in
            switch signal {
            case .ready: "ready"
            case .created: "created"
            case .committed(let item): item.end == nil ? "committed" : "ended"
            case .trimmed: "trimmed"
            case .removed(let removal): "removed: \(removal)"
            case .superseded(let claim): "superseded: \(claim.number)"
            case .broken: "broken"
            }
        }
    }
}
