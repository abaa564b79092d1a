import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1

/// One POST that stays open and is appended while it arrives. The server acknowledges it as a whole, at its end.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class LiveAppend: HTTPClientResponseDelegate {
    typealias Response = Void

    private struct State {
        var record = ResponseRecord()
        var writer: HTTPClient.Body.StreamWriter?
        var end: EventLoopPromise<Void>?
        var written = 0
        var isOver = false
        var isFinished = false
    }

    private let measurements: Measurements
    private let state = Mutex(State())

    init(_ measurements: Measurements) {
        self.measurements = measurements
    }

    /// The request's body begun: events can be written.
    var isOpen: Bool { state.withLock { $0.writer != nil } }

    /// The response came, or none will.
    var isOver: Bool { state.withLock { $0.isOver } }

    /// Sends the request, whose body waits for events.
    func begin(_ request: HTTPClient.Request, with client: HTTPClient, on loop: any EventLoop) {
        var request = request
        request.body = .stream(contentLength: nil) { writer in
            let end = loop.makePromise(of: Void.self)
            self.state.withLock { state in
                state.writer = writer
                state.end = end
            }
            return end.futureResult
        }
        _ = client.execute(request: request, delegate: self, eventLoop: .delegateAndChannel(on: loop))
    }

    /// Writes events; one that the request is too late for is an error.
    ///
    /// - Parameter done: Called once, when the system has taken them, or will not.
    func write(_ bytes: [UInt8], events: Int, done: @escaping @Sendable () -> Void) {
        let writer = state.withLock { state -> HTTPClient.Body.StreamWriter? in
            guard !state.isOver else { return nil }
            state.written += events
            return state.writer
        }
        guard let writer else {
            measurements.fail("an event of a live append that was over", events)
            return done()
        }
        writer.write(.byteBuffer(ByteBuffer(bytes: bytes))).whenComplete { _ in done() }
    }

    /// Ends the body. Nothing is written after it.
    func finish() {
        let end = state.withLock { state -> EventLoopPromise<Void>? in
            state.isFinished = true
            return state.end.take()
        }
        end?.succeed()
    }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        measurements.spoke(head.protocolName)
        state.withLock { $0.record.receive(head) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        state.withLock { $0.record.receive(buffer) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        measurements.fail(BenchRequests.trouble(error))
        leave()
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        let (trouble, written, isFinished) = state.withLock { ($0.record.trouble, $0.written, $0.isFinished) }
        if let trouble {
            measurements.fail(trouble)
        } else if !isFinished {
            measurements.fail("a live append was answered before its end")
        } else {
            measurements.count(.appended, written, at: BenchClock.now)
        }
        leave()
    }

    private func leave() {
        let end = state.withLock { state -> EventLoopPromise<Void>? in
            state.isOver = true
            return state.end.take()
        }
        end?.succeed()
    }
}
