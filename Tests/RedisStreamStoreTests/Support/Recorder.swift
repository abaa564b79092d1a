import Locks

/// What has happened, in its order, and who waits for it.
final class Recorder<Element: Sendable>: Sendable {
    private struct State {
        var elements: [Element] = []
        var waiters: [(isOver: @Sendable ([Element]) -> Bool, continuation: CheckedContinuation<[Element], Never>)] = []
    }

    private let state = Mutex(State())

    var elements: [Element] { state.withLock { $0.elements } }

    func note(_ element: Element) {
        let over = state.withLock { state in
            state.elements.append(element)
            var over: [CheckedContinuation<[Element], Never>] = []
            state.waiters.removeAll { waiter in
                guard waiter.isOver(state.elements) else { return false }
                over.append(waiter.continuation)
                return true
            }
            return over.map { ($0, state.elements) }
        }
        for (continuation, elements) in over { continuation.resume(returning: elements) }
    }

    /// Returns what has happened when that is enough.
    @discardableResult
    func wait(until isOver: @escaping @Sendable ([Element]) -> Bool) async -> [Element] {
        await withCheckedContinuation { continuation in
            let known: [Element]? = state.withLock { state in
                if isOver(state.elements) { return state.elements }
                state.waiters.append((isOver, continuation))
                return nil
            }
            if let known { continuation.resume(returning: known) }
        }
    }

    @discardableResult
    func wait(for count: Int) async -> [Element] {
        await wait { $0.count >= count }
    }
}
