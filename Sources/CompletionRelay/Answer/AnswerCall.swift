import Locks
import StreamCore
import StreamHTTP

/// One call to an upstream, and those who wait for its first byte.
@available(freshet 0.1, *)
final class AnswerCall: Sendable {
    /// How the call began.
    enum Start: Sendable {
        /// With a stream, and the fields that the upstream sent with it.
        case streaming([HeaderField])
        /// With a response that is no stream: a refusal, mostly.
        case responded(Response)
        /// With a response that is no stream and is passed on while it arrives, to whoever began the call.
        case passing(PassedAnswer)
        /// It had begun before.
        case found(FoundCall)
    }

    let name: StreamName
    let format: WireFormat
    let upstream: Upstream
    /// To whom what the provider calls it belongs.
    let owner: ResponseOwner
    /// The hash of the request's body.
    let bodyHash: String
    /// The record of its key, where it has one.
    let record: StreamName?
    private let time: any TimeSource

    private struct State {
        var start: Start?
        /// Those who wait, each by a number of its own.
        var waiting: [Int: CheckedContinuation<Start?, Never>] = [:]
        var waiters = 0
        /// Whoever began the call left before it was known how it began.
        var hasLeft = false
        /// Somebody was given a head before the upstream's came: what the call comes to is told in the stream.
        var isEarly = false
        /// It is being decided what the call comes to.
        var isDecided = false
        var metrics: AnswerMetrics
        var hasBeenRead = false
        var responseID: String?
        var recordBirth: Offset?
        var trouble: String?
        var span: CallSpan?
    }

    private let state: Mutex<State>
    /// Opened when the call is over.
    let over = Latch()

    init(
        name: StreamName,
        of asked: StreamingCall,
        bodyHash: String,
        record: StreamName? = nil,
        time: any TimeSource
    ) {
        self.name = name
        self.format = asked.format
        self.upstream = asked.upstream
        self.owner = ResponseOwner(upstream: asked.upstream.name, credential: asked.request.credential)
        self.bodyHash = bodyHash
        self.record = record
        self.time = time
        self.state = Mutex(State(metrics: AnswerMetrics(began: time.monotonic())))
    }

    /// The first call decides.
    func begin(_ start: Start) {
        let (waiting, hasLeft) = state.withLock { state in
            if state.start == nil { state.start = start }
            defer { state.waiting = [:] }
            return (state.waiting.values, state.hasLeft)
        }
        if hasLeft, case .passing(let answer) = start { answer.pipe.abandon() }
        for continuation in waiting { continuation.resume(returning: start) }
    }

    /// Waits until it is known how the call began; nil when whoever waits is cancelled before.
    func started() async -> Start? {
        let waiter = state.withLock { state in
            state.waiters += 1
            return state.waiters
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let (start, waits) = state.withLock { state in
                    let waits = state.start == nil && !Task.isCancelled
                    if waits { state.waiting[waiter] = continuation }
                    return (state.start, waits)
                }
                if !waits { continuation.resume(returning: start) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: waiter) }?.resume(returning: nil)
        }
    }

    /// Gives somebody a head before the upstream's has come; false when that has come by now.
    func beginEarly(isFirst: Bool) -> Bool {
        state.withLock { state in
            guard state.start == nil, !state.isDecided else { return false }
            state.isEarly = true
            if isFirst { state.hasLeft = true }
            return true
        }
    }

    /// Whether somebody was given the stream, or may have been.
    var isStreaming: Bool {
        state.withLock { state in
            if case .streaming = state.start { return true }
            return state.isEarly
        }
    }

    /// From now on nobody is given a head early. True when somebody was.
    func decide() -> Bool {
        state.withLock { state in
            state.isDecided = true
            return state.isEarly
        }
    }

    /// Whoever began the call is gone, and did not learn how it began.
    func left() {
        let start = state.withLock { state in
            state.hasLeft = true
            return state.start
        }
        if case .passing(let answer) = start { answer.pipe.abandon() }
    }

    var hasBegun: Bool { state.withLock { $0.start != nil } }

    /// What the provider calls the response, where it has an id.
    var responseID: String? { state.withLock(\.responseID) }

    func isCalled(_ id: String) { state.withLock { $0.responseID = id } }

    /// Which stream under the name of the record is this call's: the key may have been given to another since.
    var recordBirth: Offset? { state.withLock(\.recordBirth) }

    func recorded(at birth: Offset) { state.withLock { $0.recordBirth = birth } }

    /// Why the upstream gave no response, for the log.
    var trouble: String? { state.withLock(\.trouble) }

    func failed(_ trouble: String) { state.withLock { $0.trouble = trouble } }

    /// Whether somebody waits for the first byte, or takes what is passed on.
    var isAwaited: Bool {
        state.withLock { state in
            if case .passing(let answer) = state.start { return !answer.pipe.isAbandoned }
            return !state.waiting.isEmpty
        }
    }

    // MARK: Tracing

    /// What a trace says of the call; nil where there is none.
    var span: CallSpan? { state.withLock(\.span) }

    func traced(by span: CallSpan) { state.withLock { $0.span = span } }

    // MARK: Measuring

    var metrics: AnswerMetrics { state.withLock(\.metrics) }

    func logged(_ batch: EventBuffer.Batch, readers: Int) {
        let now = time.monotonic()
        let span = state.withLock { state -> CallSpan? in
            if readers > 0 { state.hasBeenRead = true }
            let isArriving = !state.hasBeenRead && now - state.metrics.began < ReaderWatch.arrival
            let hadToken = state.metrics.timeToFirstToken != nil
            state.metrics.logged(
                events: batch.events.count,
                tokens: batch.tokens,
                bytes: batch.bytes,
                isRead: readers > 0 || isArriving,
                at: now
            )
            return hadToken || state.metrics.timeToFirstToken == nil ? nil : state.span
        }
        span?.firstToken()
    }

    func delivered(_ events: Int) {
        let now = time.monotonic()
        state.withLock { $0.metrics.delivered(events: events, at: now) }
    }

    func counted(_ tokens: Int) { state.withLock { $0.metrics.countedTokens = tokens } }
}
