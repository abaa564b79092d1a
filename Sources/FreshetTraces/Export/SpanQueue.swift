import DequeModule
import Locks

/// Spans that are over and not exported yet. Whoever ends one hands it over and goes on: what does not fit is left out and
/// counted.
@available(freshet 0.1, *)
package final class SpanQueue: Sendable {
    /// The most spans that wait, and as many as are one export.
    package static let most = 2048
    package static let batch = 512

    private struct State {
        var spans: Deque<FinishedSpan> = []
        var dropped = 0
        var isClosed = false
        /// Somebody has asked that what waits be exported now.
        var isWoken = false
        var sleeper: Sleeper?
    }

    /// Whoever waits for something to do.
    private struct Sleeper {
        var continuation: CheckedContinuation<Void, Never>
        /// Also for spans, and not for the end alone.
        var wantsSpans: Bool
    }

    private let state = Mutex(State())

    package init() {}

    /// Spans that were left out, and those that no collector took.
    package var dropped: Int { state.withLock(\.dropped) }

    package var isEmpty: Bool { state.withLock(\.spans.isEmpty) }

    package var isClosed: Bool { state.withLock(\.isClosed) }

    package func put(_ span: FinishedSpan) {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isClosed, state.spans.count < Self.most else {
                state.dropped += 1
                return nil
            }
            state.spans.append(span)
            guard state.spans.count >= Self.batch, state.sleeper?.wantsSpans == true else { return nil }
            return Self.rouse(&state)
        }
        sleeper?.resume()
    }

    /// The oldest, as many as are one export; nil when none wait.
    package func take() -> [FinishedSpan]? {
        state.withLock { state in
            guard !state.spans.isEmpty else { return nil }
            let taken = Array(state.spans.prefix(Self.batch))
            state.spans.removeFirst(taken.count)
            return taken
        }
    }

    /// So many that were taken are lost.
    func lose(_ count: Int) { state.withLock { $0.dropped += count } }

    /// Drops what waits. Returns how many that were.
    func dropAll() -> Int {
        state.withLock { state in
            let count = state.spans.count
            state.dropped += count
            state.spans = []
            return count
        }
    }

    /// What waits is to be exported now.
    package func wake() {
        let sleeper = state.withLock { state -> CheckedContinuation<Void, Never>? in
            state.isWoken = true
            return state.sleeper?.wantsSpans == true ? Self.rouse(&state) : nil
        }
        sleeper?.resume()
    }

    /// No more come, and nobody waits for anything but what is there.
    func close() { rouse { $0.isClosed = true } }

    /// Returns when as many wait as are one export, when somebody has asked for one, when the queue is closed, or when the
    /// task is cancelled. One may wait.
    func untilFull() async {
        await sleep(wantsSpans: true)
        state.withLock { $0.isWoken = false }
    }

    /// Returns when the queue is closed, or when the task is cancelled. One may wait.
    func untilClosed() async { await sleep(wantsSpans: false) }

    private func sleep(wantsSpans: Bool) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let sleeps = state.withLock { state in
                    let isDue = wantsSpans && (state.isWoken || state.spans.count >= Self.batch)
                    guard !isDue, !state.isClosed, !Task.isCancelled else { return false }
                    state.sleeper = Sleeper(continuation: continuation, wantsSpans: wantsSpans)
                    return true
                }
                if !sleeps { continuation.resume() }
            }
        } onCancel: {
            rouse { _ in }
        }
    }

    private func rouse(_ change: (inout State) -> Void) {
        let sleeper = state.withLock { state in
            change(&state)
            return Self.rouse(&state)
        }
        sleeper?.resume()
    }

    private static func rouse(_ state: inout State) -> CheckedContinuation<Void, Never>? {
        defer { state.sleeper = nil }
        return state.sleeper?.continuation
    }
}
