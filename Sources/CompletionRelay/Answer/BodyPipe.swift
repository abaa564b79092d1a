import Locks
package import NIOCore

/// The bytes of a body between the task that reads it and the one that takes them, at the pace of the slower of both.
@available(freshet 0.1, *)
package final class BodyPipe: Sendable {
    /// Bytes that may wait.
    private static let limit = 64 << 10

    private struct State {
        var parts: [ByteBuffer] = []
        var bytes = 0
        var end: Result<Void, any Error>?
        var isAbandoned = false
        var isInterrupted = false
        var writer: CheckedContinuation<Void, Never>?
        var taker: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    package init() {}

    /// Nobody takes any more.
    package var isAbandoned: Bool { state.withLock(\.isAbandoned) }

    // MARK: The side that reads the body

    /// Adds bytes, and returns when there is room for more. False when nobody takes any more.
    package func put(_ bytes: ByteBuffer) async -> Bool {
        guard bytes.readableBytes > 0 else { return !isAbandoned }
        let taker = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isAbandoned else { return nil }
            state.parts.append(bytes)
            state.bytes += bytes.readableBytes
            return Self.take(&state.taker)
        }
        taker?.resume()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.bytes > Self.limit, !state.isAbandoned, !Task.isCancelled else { return false }
                    state.writer = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            state.withLock { Self.take(&$0.writer) }?.resume()
        }
        return !isAbandoned
    }

    /// The body has ended: in good order, or for this reason. The first call counts.
    package func finish(_ end: Result<Void, any Error>) {
        state.withLock { state in
            if state.end == nil { state.end = end }
            return Self.take(&state.taker)
        }?.resume()
    }

    /// Whoever waits for bytes is given none, once.
    func interrupt() {
        state.withLock { state in
            state.isInterrupted = true
            return Self.take(&state.taker)
        }?.resume()
    }

    // MARK: The side that takes it

    /// What has come, as soon as there is something; nil at the end of a body that ended in good order.
    ///
    /// - Throws: why the body did not, or `CancellationError`.
    package func next() async throws -> ByteBuffer? {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let mustWait = state.withLock { state in
                    guard state.parts.isEmpty, state.end == nil, !state.isInterrupted, !state.isAbandoned,
                        !Task.isCancelled
                    else { return false }
                    state.taker = continuation
                    return true
                }
                if !mustWait { continuation.resume() }
            }
        } onCancel: {
            abandon()
        }
        try Task.checkCancellation()
        let (parts, isInterrupted, end, writer) = state.withLock { state in
            defer {
                // Where there are bytes, whoever waits next is given none.
                state.isInterrupted = state.isInterrupted && !state.parts.isEmpty
                (state.parts, state.bytes) = ([], 0)
            }
            return (state.parts, state.isInterrupted, state.end, Self.take(&state.writer))
        }
        writer?.resume()
        if var whole = parts.first {
            for part in parts.dropFirst() { whole.writeImmutableBuffer(part) }
            return whole
        }
        if isInterrupted { return ByteBuffer() }
        guard let end else { throw CancellationError() }
        try end.get()
        return nil
    }

    /// Nothing more is taken.
    package func abandon() {
        let (writer, taker) = state.withLock { state in
            state.isAbandoned = true
            state.parts = []
            return (Self.take(&state.writer), Self.take(&state.taker))
        }
        writer?.resume()
        taker?.resume()
    }

    private static func take(_ waiting: inout CheckedContinuation<Void, Never>?) -> CheckedContinuation<Void, Never>? {
        defer { waiting = nil }
        return waiting
    }
}
