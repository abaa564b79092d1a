import Locks
import StreamCore
import StreamHTTP

/// One call to an upstream, and those who wait for its first byte.
final class AnswerCall: Sendable {
    /// How the call began.
    enum Start: Sendable {
        /// With a stream, and the fields that the upstream sent with it.
        case streaming([HeaderField])
        /// With an answer that is no stream: a refusal, mostly.
        case answered(Response)
        /// It had begun before.
        case found(FoundCall)
    }

    let name: StreamName
    let format: WireFormat
    /// The hash of the request's body.
    let bodyHash: String
    private let time: any TimeSource
    private let began: Duration

    private struct State {
        var start: Start?
        var waiting: [CheckedContinuation<Start, Never>] = []
        var metrics: AnswerMetrics
        var hasBeenRead = false
    }

    private let state: Mutex<State>

    init(name: StreamName, format: WireFormat, bodyHash: String, time: any TimeSource) {
        self.name = name
        self.format = format
        self.bodyHash = bodyHash
        self.time = time
        self.began = time.monotonic()
        self.state = Mutex(State(metrics: AnswerMetrics(began: began)))
    }

    /// The first call decides.
    func begin(_ start: Start) {
        let waiting = state.withLock { state in
            if state.start == nil { state.start = start }
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume(returning: start) }
    }

    func started() async -> Start {
        await withCheckedContinuation { continuation in
            let start = state.withLock { state in
                if state.start == nil { state.waiting.append(continuation) }
                return state.start
            }
            if let start { continuation.resume(returning: start) }
        }
    }

    var hasBegun: Bool { state.withLock { $0.start != nil } }

    /// Whether somebody waits for the first byte.
    var isAwaited: Bool { state.withLock { !$0.waiting.isEmpty } }

    // MARK: Measuring

    var metrics: AnswerMetrics { state.withLock(\.metrics) }

    func logged(_ batch: EventBuffer.Batch, readers: Int) {
        let now = time.monotonic()
        state.withLock { state in
            if readers > 0 { state.hasBeenRead = true }
            let isArriving = !state.hasBeenRead && now - began < ReaderWatch.arrival
            state.metrics.logged(
                events: batch.events.count,
                tokens: batch.tokens,
                bytes: batch.bytes,
                isRead: readers > 0 || isArriving,
                at: now
            )
        }
    }

    func delivered(_ events: Int) {
        let now = time.monotonic()
        state.withLock { $0.metrics.delivered(events: events, at: now) }
    }

    func counted(_ tokens: Int) { state.withLock { $0.metrics.countedTokens = tokens } }
}
