import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1
import ServerSentEvents

/// One call to a model by way of a relay: measures its first token, what passes between tokens, and the whole.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class RelayedCall: HTTPClientResponseDelegate {
    typealias Response = Void

    private struct State {
        var record = ResponseRecord()
        var reading = EventReading()
        var last: UInt64?
    }

    private let measurements: Measurements
    private let due: UInt64
    private let named: @Sendable (_ stream: String) -> Void
    private let done: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - due: When the call was.
    ///   - named: Called with the URL of the stream that holds the answer, if the server names one.
    ///   - done: Called once, whatever became of it.
    init(
        _ measurements: Measurements,
        due: UInt64,
        named: @escaping @Sendable (_ stream: String) -> Void,
        done: @escaping @Sendable () -> Void
    ) {
        self.measurements = measurements
        self.due = due
        self.named = named
        self.done = done
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        measurements.spoke(head.protocolName)
        state.withLock { $0.record.receive(head) }
        if let stream = head.headers.first(name: "Location") { named(stream) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let now = BenchClock.now
        measurements.count(.bytes, buffer.readableBytes, at: now)
        let (tokens, last) = take(buffer, at: now)
        guard tokens > 0 else { return task.eventLoop.makeSucceededVoidFuture() }
        measurements.count(.tokens, tokens, at: now)
        if let last {
            measurements.record(.betweenTokens, from: last, to: now)
        } else {
            measurements.record(.firstToken, from: due, to: now)
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        measurements.fail(BenchRequests.trouble(error))
        done()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        let now = BenchClock.now
        let (trouble, last) = state.withLock { ($0.record.trouble ?? $0.reading.trouble, $0.last) }
        if let trouble {
            measurements.fail(trouble)
        } else if last == nil {
            measurements.fail("an answer without an event")
        } else {
            measurements.count(.finished, at: now)
            measurements.record(.whole, from: due, to: now)
        }
        done()
    }

    /// How many events with data these bytes completed, and when the ones before them came.
    private func take(_ buffer: ByteBuffer, at now: UInt64) -> (tokens: Int, last: UInt64?) {
        state.withLock { state in
            state.record.receive(buffer)
            guard state.record.isSuccess else { return (0, nil) }
            var tokens = 0
            state.reading.take(buffer) { event in
                if event.data != "[DONE]" { tokens += 1 }
            }
            let last = state.last
            if tokens > 0 { state.last = now }
            return (tokens, last)
        }
    }
}
