import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1

/// One POST with whole events: measures from when they were due to when they were acknowledged.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class AtomicAppend: HTTPClientResponseDelegate {
    typealias Response = Void

    private let measurements: Measurements
    private let due: UInt64
    private let events: Int
    private let done: @Sendable (_ isAcknowledged: Bool) -> Void
    private let record = Mutex(ResponseRecord())

    /// - Parameters:
    ///   - due: When its events were.
    ///   - done: Called once, on the loop of the request, whatever became of it.
    init(
        _ measurements: Measurements,
        due: UInt64,
        events: Int,
        done: @escaping @Sendable (_ isAcknowledged: Bool) -> Void
    ) {
        self.measurements = measurements
        self.due = due
        self.events = events
        self.done = done
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        measurements.spoke(head.protocolName)
        record.withLock { $0.receive(head) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        record.withLock { $0.receive(buffer) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        measurements.fail(BenchRequests.trouble(error))
        done(false)
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        let now = BenchClock.now
        let trouble = record.withLock { $0.trouble }
        if let trouble {
            measurements.fail(trouble)
        } else {
            measurements.count(.appended, events, at: now)
            measurements.record(.acknowledgement, from: due, to: now)
        }
        done(trouble == nil)
    }
}
