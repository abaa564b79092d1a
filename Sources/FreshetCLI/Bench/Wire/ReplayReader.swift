import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1
import ServerSentEvents

/// One reading of an ended stream from its beginning to its end.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class ReplayReader: HTTPClientResponseDelegate {
    typealias Response = Void

    private struct State {
        var record = ResponseRecord()
        var reading = EventReading()
        var events = 0
        var trouble: String?
    }

    private let measurements: Measurements
    private let begin: UInt64
    private let expected: Int?
    private let done: @Sendable (_ isWhole: Bool) -> Void
    private let state = Mutex(State())

    /// - Parameters:
    ///   - begin: When it was asked for.
    ///   - expected: How many events the stream has; nil where nobody knows.
    ///   - done: Called once, on the loop of the request, whatever became of it.
    init(
        _ measurements: Measurements,
        begin: UInt64,
        expected: Int?,
        done: @escaping @Sendable (_ isWhole: Bool) -> Void
    ) {
        self.measurements = measurements
        self.begin = begin
        self.expected = expected
        self.done = done
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let now = BenchClock.now
        let record = state.withLock { state in
            state.record.receive(head)
            return state.record
        }
        measurements.begun(record, head, due: begin, at: now)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let now = BenchClock.now
        let events = take(buffer)
        measurements.count(.bytes, buffer.readableBytes, at: now)
        measurements.count(.received, events, at: now)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        measurements.fail(BenchRequests.trouble(error))
        done(false)
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        let now = BenchClock.now
        let (trouble, events) = state.withLock { ($0.trouble ?? $0.record.trouble, $0.events) }
        if let trouble {
            measurements.fail(trouble)
        } else if let expected, events != expected {
            measurements.fail("a replay of \(events) events instead of \(expected)")
            return done(false)
        } else {
            measurements.count(.finished, at: now)
            measurements.record(.whole, from: begin, to: now)
        }
        done(trouble == nil)
    }

    /// How many events these bytes completed.
    private func take(_ buffer: ByteBuffer) -> Int {
        state.withLock { state in
            state.record.receive(buffer)
            guard state.record.isSuccess, state.trouble == nil else { return 0 }
            let before = state.events
            var (events, trouble) = (0, String?.none)
            state.reading.take(buffer) { event in
                switch event.type {
                case "end", "heartbeat", "start": break
                case "gap", "reconnect": trouble = "the server says '\(event.type)' within a replay"
                default: events += 1
                }
            }
            state.trouble = trouble ?? state.reading.trouble
            state.events = before + events
            return events
        }
    }
}
