import Locks
import NIOCore

/// The bytes of a response between the loop that makes them and the task that writes them to another server's
/// connection.
///
/// It holds no more than a connection would: what is taken counts as unsent until the next call, and at the high mark
/// the maker is told to wait.
@available(freshet 0.1, *)
final class ResponsePipe: Sendable {
    /// The response was cut off: nothing may follow, and it is not complete.
    struct Cut: Error {}

    private static let low = 32 * 1024
    private static let high = 64 * 1024

    private struct State {
        var pending: [ByteBuffer] = []
        var pendingBytes = 0
        var takenBytes = 0
        var isFull = false
        var isFinished = false
        var isCut = false
        var taker: CheckedContinuation<Void, Never>?
        var watcher: CheckedContinuation<Void, Never>?
        /// Told when it takes more again, and when nobody takes any more.
        var onRoom: (@Sendable () -> Void)?
        var onLeave: (@Sendable () -> Void)?

        var unsent: Int { pendingBytes + takenBytes }

        mutating func wakeAll() -> [CheckedContinuation<Void, Never>] {
            defer {
                taker = nil
                watcher = nil
            }
            return [taker, watcher].compactMap(\.self)
        }
    }

    private let state = Mutex(State())

    // MARK: The maker, on its loop

    func begin(onRoom: @escaping @Sendable () -> Void, onLeave: @escaping @Sendable () -> Void) {
        state.withLock { state in
            state.onRoom = onRoom
            state.onLeave = onLeave
        }
    }

    var isWritable: Bool { state.withLock { !$0.isFull && !$0.isCut } }

    var unsentBytes: Int { state.withLock(\.unsent) }

    /// False when it takes no more for now.
    func send(_ buffer: ByteBuffer) -> Bool {
        let (taker, hasRoom) = state.withLock { state -> (CheckedContinuation<Void, Never>?, Bool) in
            guard !state.isCut, !state.isFinished else { return (nil, false) }
            state.pending.append(buffer)
            state.pendingBytes += buffer.readableBytes
            if state.unsent >= Self.high { state.isFull = true }
            defer { state.taker = nil }
            return (state.taker, !state.isFull)
        }
        taker?.resume()
        return hasRoom
    }

    func finish() { close { $0.isFinished = true } }

    func cut() { close { $0.isCut = true } }

    private func close(_ change: (inout State) -> Void) {
        let waiting = state.withLock { state in
            change(&state)
            state.onRoom = nil
            state.onLeave = nil
            return state.wakeAll()
        }
        for continuation in waiting { continuation.resume() }
    }

    // MARK: The writer

    /// What there is to write, after what was taken before has been written; nil when the response is complete.
    ///
    /// - Throws: `Cut`, or `CancellationError`.
    func next() async throws -> [ByteBuffer]? {
        while true {
            let (onRoom, buffers, isOver) = try state.withLock { state in
                guard !state.isCut else { throw Cut() }
                state.takenBytes = state.pendingBytes
                state.pendingBytes = 0
                defer { state.pending = [] }
                let hasRoom = state.isFull && state.unsent < Self.low
                if hasRoom { state.isFull = false }
                return (hasRoom ? state.onRoom : nil, state.pending, state.isFinished)
            }
            onRoom?()
            if !buffers.isEmpty { return buffers }
            if isOver { return nil }
            await wait(\.taker) { $0.isCut || $0.isFinished || !$0.pending.isEmpty }
            try Task.checkCancellation()
        }
    }

    /// Returns when the response is complete, and throws when it is cut off: also while a write waits for the peer.
    func watch() async throws {
        await wait(\.watcher) { $0.isCut || $0.isFinished }
        if state.withLock(\.isCut) { throw Cut() }
    }

    /// Nobody writes any more: the peer has gone, or everything is out.
    func leave() {
        let (onLeave, waiting) = state.withLock { state in
            defer {
                state.isCut = state.isCut || !state.isFinished
                state.onRoom = nil
                state.onLeave = nil
                state.pending = []
            }
            return (state.onLeave, state.wakeAll())
        }
        for continuation in waiting { continuation.resume() }
        onLeave?()
    }

    private func wait(
        _ place: any WritableKeyPath<State, CheckedContinuation<Void, Never>?> & Sendable,
        _ isOver: @Sendable (State) -> Bool
    ) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mayGoOn = state.withLock { state in
                    if isOver(state) || Task.isCancelled { return true }
                    state[keyPath: place] = continuation
                    return false
                }
                if mayGoOn { continuation.resume() }
            }
        } onCancel: {
            let waiting = state.withLock { state in
                defer { state[keyPath: place] = nil }
                return state[keyPath: place]
            }
            waiting?.resume()
        }
    }
}
