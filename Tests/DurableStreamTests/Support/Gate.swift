import Locks

/// Keeps those who come until it is opened, and tells when somebody has come.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var kept: [CheckedContinuation<Void, Never>] = []
        var watchers: [(count: Int, CheckedContinuation<Void, Never>)] = []
    }

    private let state = Mutex(State())

    func pass() async {
        await withCheckedContinuation { continuation in
            let (passes, told) = state.withLock { state in
                state.arrived += 1
                let told = state.watchers.filter { $0.count <= state.arrived }.map(\.1)
                state.watchers.removeAll { $0.count <= state.arrived }
                if !state.isOpen { state.kept.append(continuation) }
                return (state.isOpen, told)
            }
            for watcher in told { watcher.resume() }
            if passes { continuation.resume() }
        }
    }

    func open() {
        let kept = state.withLock { state in
            state.isOpen = true
            defer { state.kept = [] }
            return state.kept
        }
        for continuation in kept { continuation.resume() }
    }

    /// Returns when that many have come.
    func arrival(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state in
                if state.arrived >= count { return true }
                state.watchers.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}
