import Locks
import StreamCore

/// What has been read of an upstream and is not yet in the log: between the task that reads and the one that appends.
///
/// While one append is on its way the next one gathers, so that appends are as large as the store is slow. Beyond a
/// bound the upstream is not read.
@available(freshet 0.1, *)
final class EventBuffer: Sendable {
    /// Bytes that may wait.
    static let limit = 256 * 1024

    struct Batch: Sendable {
        var events = EventBatch()
        var tokens = 0
        var bytes = 0
        /// What the provider calls the response, where one of the events says so.
        var responseIDs: [String] = []
        var end: EndRequest?
    }

    private struct State {
        var batch = Batch()
        var isClosed = false
        /// The batch with the end was taken, or will never be.
        var isOver = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    var waitingBytes: Int { state.withLock(\.batch.bytes) }

    /// Adds events, and returns when there is room for more. False when no more are taken.
    func put(_ kept: [ProviderEventMachine.Kept]) async -> Bool {
        let writer = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isClosed else { return nil }
            for one in kept {
                state.batch.events.append(one.body)
                state.batch.tokens += one.isToken ? 1 : 0
                state.batch.bytes += one.body.size
                if let id = one.responseID { state.batch.responseIDs.append(id) }
            }
            defer { state.writer = nil }
            return state.writer
        }
        writer?.resume()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.batch.bytes > Self.limit, !state.isClosed else { return false }
                    state.reader = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            abandon()
        }
        return state.withLock { !$0.isClosed }
    }

    /// Nothing more comes: what waits goes into the log together with the end. The first call counts.
    func close(_ end: EndRequest) {
        let waiting = state.withLock { state in
            if !state.isClosed {
                state.isClosed = true
                state.batch.end = end
            }
            return Self.wake(&state)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Nobody takes any more.
    func abandon() {
        let waiting = state.withLock { state in
            state.isClosed = true
            state.isOver = true
            return Self.wake(&state)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Everything that waits, as soon as there is something; nil when nothing comes any more.
    func next() async -> Batch? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.batch.events.isEmpty, !state.isClosed else { return false }
                    state.writer = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            abandon()
        }
        let (batch, reader) = state.withLock { state -> (Batch?, CheckedContinuation<Void, Never>?) in
            guard !state.isOver else { return (nil, nil) }
            state.isOver = state.isClosed
            defer {
                state.batch = Batch()
                state.reader = nil
            }
            return (state.batch, state.reader)
        }
        reader?.resume()
        return batch
    }

    private static func wake(_ state: inout State) -> [CheckedContinuation<Void, Never>] {
        defer {
            state.reader = nil
            state.writer = nil
        }
        return [state.reader, state.writer].compactMap(\.self)
    }
}
