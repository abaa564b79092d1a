import AsyncHTTPClient
import Locks
import NIOCore
import NIOHTTP1
import ServerSentEvents

/// A reader that follows an event stream: measures each event from when it was due, by its mark, or from the event
/// before it where events have no mark of this machine's clock.
///
/// Everything shared is behind its mutex.
@available(freshet 0.1, *)
final class FollowingReader: HTTPClientResponseDelegate {
    typealias Response = Void

    private struct State {
        var record = ResponseRecord()
        var reading = EventReading()
        var last: UInt64?
        var isOver = false
    }

    /// What an event gave to be measured.
    private enum Found {
        case marked(due: UInt64)
        case unmarked
        case trouble(String)
    }

    private let measurements: Measurements
    private let due: UInt64
    private let bytesPerSecond: Int?
    private let state = Mutex(State())

    /// - Parameters:
    ///   - due: When its connection was.
    ///   - bytesPerSecond: How fast it takes what comes; nil for at once.
    init(_ measurements: Measurements, due: UInt64, bytesPerSecond: Int? = nil) {
        self.measurements = measurements
        self.due = due
        self.bytesPerSecond = bytesPerSecond
    }

    /// The response began well.
    var isOpen: Bool { state.withLock { $0.record.isSuccess } }

    /// No more comes.
    var isOver: Bool { state.withLock { $0.isOver } }

    func didReceiveHead(task: HTTPClient.Task<Void>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        let now = BenchClock.now
        let record = state.withLock { state in
            state.record.receive(head)
            return state.record
        }
        measurements.begun(record, head, due: due, at: now)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Void>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let now = BenchClock.now
        measurements.count(.bytes, buffer.readableBytes, at: now)
        for found in take(buffer) { measure(found, at: now) }
        guard let bytesPerSecond else { return task.eventLoop.makeSucceededVoidFuture() }
        // The next part is asked for when this future is done: the system's buffers fill meanwhile, then the server's.
        let pause = TimeAmount.nanoseconds(Int64(buffer.readableBytes) * 1_000_000_000 / Int64(bytesPerSecond))
        return task.eventLoop.scheduleTask(in: pause) {}.futureResult
    }

    func didReceiveError(task: HTTPClient.Task<Void>, _ error: any Error) {
        leave(because: BenchRequests.trouble(error))
    }

    func didFinishRequest(task: HTTPClient.Task<Void>) {
        leave(because: state.withLock { $0.record.trouble } ?? "a reader's response ended")
    }

    private func leave(because trouble: String) {
        state.withLock { $0.isOver = true }
        if bytesPerSecond != nil, isOpen {
            // What a server may do with a reader that does not take.
            measurements.count(.slowCut, at: BenchClock.now)
        } else {
            measurements.fail(trouble)
        }
    }

    private func take(_ buffer: ByteBuffer) -> [Found] {
        state.withLock { state in
            state.record.receive(buffer)
            guard state.record.isSuccess else { return [] }
            var found: [Found] = []
            let hadTrouble = state.reading.trouble != nil
            state.reading.take(buffer) { event in
                if let one = Self.look(at: event) { found.append(one) }
            }
            if !hadTrouble, let trouble = state.reading.trouble { found.append(.trouble(trouble)) }
            return found
        }
    }

    /// Nil for what a Freshet server says itself.
    private static func look(at event: ServerSentEvent) -> Found? {
        switch event.type {
        case "start", "heartbeat": return nil
        case "gap": return .trouble("a gap: events were trimmed before they were read")
        case "reconnect": return .trouble("the server asks to reconnect: \(event.data.prefix(40))")
        default:
            let data = event.data.utf8
            guard let mark = EventMark.parse(data), mark.clock == EventMark.thisClock else { return .unmarked }
            return .marked(due: mark.due)
        }
    }

    private func measure(_ found: Found, at now: UInt64) {
        let isSlow = bytesPerSecond != nil
        switch found {
        case .trouble(let kind):
            if !isSlow { measurements.fail(kind) }
        case .marked(let due):
            measurements.count(isSlow ? .receivedBySlow : .received, at: now)
            if !isSlow { measurements.record(.delivery, from: due, to: now) }
        case .unmarked:
            measurements.count(isSlow ? .receivedBySlow : .received, at: now)
            let last = state.withLock { state in
                defer { state.last = now }
                return state.last
            }
            if !isSlow, let last { measurements.record(.between, from: last, to: now) }
        }
    }
}
