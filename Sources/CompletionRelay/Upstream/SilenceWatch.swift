import Locks
package import NIOCore
import StreamCore
import StreamHTTP

/// Watches one call to an upstream for silence that lasts too long. Shared by those who send, read and wait.
@available(freshet 0.1, *)
package final class SilenceWatch: Sendable {
    private let time: any TimeSource
    private let clock: any Clock<Duration>
    private let state: Mutex<(silence: Silence, isOver: Bool)>

    init(
        idle: Duration,
        wordless: Duration,
        wordlessBytes: Int,
        time: any TimeSource,
        clock: any Clock<Duration>
    ) {
        self.time = time
        self.clock = clock
        let now = time.monotonic()
        state = Mutex((Silence(idle: idle, wordless: wordless, wordlessBytes: wordlessBytes, now: now), false))
    }

    /// It was too long.
    var isOver: Bool { state.withLock(\.isOver) }

    func spoke() { change { $0.spoke(at: $1) } }
    func spoke(bytes: Int) { change { $0.spoke(bytes: bytes, at: $1) } }
    /// It sent something that says nothing. True when that was too much.
    func saidNothing(bytes: Int) -> Bool {
        change { silence, _ in silence.saidNothing(bytes: bytes) }
        return look() <= .zero
    }

    func pause() { change { $0.pause(at: $1) } }
    func resume() { change { $0.resume(at: $1) } }

    private func change(_ body: (inout Silence, Duration) -> Void) {
        let now = time.monotonic()
        state.withLock { body(&$0.silence, now) }
    }

    /// Does what waits for the upstream. When that is silent for too long, the work is cancelled.
    ///
    /// - Throws: `UpstreamError.silent` when it was, whatever the work came to; otherwise what that throws.
    func during<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let result: Result<Value, any Error> = await cancelling {
            do {
                return .success(try await work())
            } catch {
                return .failure(error)
            }
        }
        guard !isOver else { throw UpstreamError.silent }
        return try result.get()
    }

    /// The same for work that knows itself what it came to when it was cancelled.
    func cancelling<Value: Sendable>(_ work: @escaping @Sendable () async -> Value) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await work() }
            group.addTask {
                await self.silence()
                return nil
            }
            while let ended = await group.next() {
                group.cancelAll()
                if let value = ended { return value }
            }
            preconditionFailure("the work has not returned")
        }
    }

    /// What is left, with the verdict where nothing is.
    private func look() -> Duration {
        let now = time.monotonic()
        return state.withLock { state in
            let remaining = state.silence.remaining(at: now)
            state.isOver = state.isOver || remaining <= .zero
            return remaining
        }
    }

    /// Returns when it is too long, or when nobody waits any more.
    private func silence() async {
        while true {
            let remaining = look()
            guard remaining > .zero else { return }
            do {
                try await clock.sleep(for: remaining)
            } catch {
                return
            }
        }
    }
}

/// The body of a request on its way to an upstream: while it waits for the caller, the upstream is not silent.
@available(freshet 0.1, *)
package struct WatchedBody: AsyncSequence, Sendable {
    package typealias Element = ByteBuffer

    let body: RequestBody
    let watch: SilenceWatch

    package struct AsyncIterator: AsyncIteratorProtocol {
        var parts: RequestBody.AsyncIterator
        let watch: SilenceWatch

        package mutating func next() async throws -> ByteBuffer? {
            watch.pause()
            defer { watch.resume() }
            return try await parts.next()
        }
    }

    package func makeAsyncIterator() -> AsyncIterator {
        AsyncIterator(parts: body.makeAsyncIterator(), watch: watch)
    }
}

@available(freshet 0.1, *)
extension ByteBuffer {
    /// Bytes that are no blanks: some providers send empty lines until they have an answer.
    var countOfSigns: Int { readableBytesView.count { $0 > 0x20 } }
}

@available(freshet 0.1, *)
extension UpstreamResponse {
    /// The same, whose pieces are heard when they come, and while one is taken nobody waits for the next.
    func watched(by watch: SilenceWatch) -> UpstreamResponse {
        let whole = body
        return UpstreamResponse(status: status, headers: headers) { take in
            try await whole { piece in
                watch.pause()
                defer { watch.resume() }
                try await take(piece)
            }
        }
    }
}
