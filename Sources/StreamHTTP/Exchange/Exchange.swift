import DequeModule
import NIOCore

/// One exchange on its connection: hands the body to the function, and what that writes to the connection.
///
/// Bound to the connection's event loop.
@available(freshet 0.1, *)
final class Exchange {
    /// Bytes of the body that may wait for the function before the connection stops reading.
    static let backlogLimit = 64 * 1024

    /// One call for the next part of the body, so that its cancellation is not taken for that of another.
    final class Read: Sendable {}

    private enum Body {
        case arriving
        case complete
        case failed(ExchangeError)
    }

    private enum Progress {
        case none
        /// The bytes of the body that are still to come, where the head told.
        case open(framing: BodyFraming, announced: Int?, remaining: Int?)
        case over
    }

    private let plan: ExchangePlan
    private let isHead: Bool
    private let eventLoop: any EventLoop
    private let bodyIdle: TimeAmount
    private let writeStall: TimeAmount
    /// Nil when nobody is to be answered any more.
    private weak var run: RequestRun?

    private var body: Body
    private var parts: Deque<ByteBuffer> = []
    private(set) var backlog = 0
    private var received = 0
    private var reader: CheckedContinuation<ByteBuffer?, any Error>?
    /// The call that waits, and the last one that was cancelled, perhaps before it had begun.
    private var read: Read?
    private var cancelledRead: Read?
    private var readSince = NIODeadline.now()

    private var progress = Progress.none
    private var writer: CheckedContinuation<Void, any Error>?
    private var taken: UInt64 = 0
    private var takenSince = NIODeadline.now()

    private var task: Task<Void, Never>?

    /// - Parameter hasBody: false when there is none, or when it was read before.
    init(
        plan: ExchangePlan,
        run: RequestRun,
        isHead: Bool,
        hasBody: Bool,
        eventLoop: any EventLoop,
        configuration: DataPlaneConfiguration
    ) {
        self.plan = plan
        self.run = run
        self.isHead = isHead
        self.eventLoop = eventLoop
        self.bodyIdle = configuration.bodyIdleTime
        self.writeStall = configuration.writeStall
        self.body = hasBody ? .arriving : .complete
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let run = plan.run
        task = Task.beginning {
            var failure: (any Error)?
            do {
                try await run(
                    RequestBody(exchange: bound, eventLoop: eventLoop),
                    ResponseWriter(exchange: bound, eventLoop: eventLoop)
                )
            } catch {
                failure = error
            }
            eventLoop.run { [failure] in bound.value.ended(failure) }
        }
    }

    // MARK: The body

    /// Nothing is read that nobody waits for, beyond what is small.
    var wantsMore: Bool { backlog < Self.backlogLimit }

    func received(_ buffer: ByteBuffer) {
        guard case .arriving = body else { return }
        received += buffer.readableBytes
        if let limit = plan.bodyLimit, received > limit { return bodyFailed(.bodyTooLarge(limit: limit)) }
        readSince = .now()
        if let reader = take(\.reader) { return reader.resume(returning: buffer) }
        parts.append(buffer)
        backlog += buffer.readableBytes
    }

    /// Bytes of the body that are none of its content.
    func receivedBeside(_ bytes: Int) {
        guard case .arriving = body else { return }
        received += bytes
        if let limit = plan.bodyLimit, received > limit { bodyFailed(.bodyTooLarge(limit: limit)) }
    }

    /// There is not memory for all that is in flight.
    func giveWay() {
        guard case .arriving = body else { return }
        parts = []
        backlog = 0
        bodyFailed(.overloaded)
    }

    /// What was written is not taken: for too long, or it is most of what is in flight.
    func cutOff() {
        run?.noteEvictionFromExchange()
        cut(reset: looksWholeWhenClosed)
    }

    func bodyEnded() {
        guard case .arriving = body else { return }
        body = .complete
        take(\.reader)?.resume(returning: nil)
    }

    private func bodyFailed(_ error: ExchangeError) {
        body = .failed(error)
        take(\.reader)?.resume(throwing: error)
    }

    func begin(_ read: Read, _ continuation: CheckedContinuation<ByteBuffer?, any Error>) {
        precondition(reader == nil, "the body of a request has one consumer")
        if cancelledRead === read { return continuation.resume(throwing: CancellationError()) }
        if let part = parts.popFirst() {
            backlog -= part.readableBytes
            continuation.resume(returning: part)
            run?.wantsBodyAgain()
            return
        }
        switch body {
        case .complete: continuation.resume(returning: nil)
        case .failed(let error): continuation.resume(throwing: error)
        case .arriving:
            reader = continuation
            self.read = read
            readSince = .now()
            run?.wantsBodyAgain()
        }
    }

    func cancel(_ read: Read) {
        cancelledRead = read
        if self.read === read { take(\.reader)?.resume(throwing: CancellationError()) }
    }

    // MARK: The response

    func writeHead(
        _ status: Int,
        _ headers: [HeaderField],
        length: Int?,
        _ continuation: CheckedContinuation<Void, any Error>
    ) throws {
        try sendHead(status, headers, length: length)
        wait(continuation)
    }

    /// All of a response, as the client of this request reads it.
    func respond(_ response: Response, _ continuation: CheckedContinuation<Void, any Error>) throws {
        let response = run?.shaped(response) ?? response
        try sendHead(response.status, response.headers, length: response.body.count)
        try writeBody(ByteBuffer(bytes: response.body), continuation)
    }

    private func sendHead(_ status: Int, _ headers: [HeaderField], length: Int?) throws {
        guard let run else { throw ExchangeError.gone }
        guard case .none = progress else { throw ExchangeError.headWritten }
        let hasNoBody = isHead || status == 204 || status == 304
        progress = .open(
            framing: length == nil ? run.transport.framing : .plain,
            announced: length,
            remaining: hasNoBody ? 0 : length
        )
        run.send(ResponseHead(status, headers: headers, length: length))
    }

    func writeBody(_ bytes: ByteBuffer, _ continuation: CheckedContinuation<Void, any Error>) throws {
        guard let run else { throw ExchangeError.gone }
        guard case .open(let framing, let announced, let remaining) = progress else {
            if case .over = progress { throw ExchangeError.gone }
            throw ExchangeError.headMissing
        }
        // To a HEAD the body is made and not sent.
        if isHead { return continuation.resume() }
        if let remaining {
            guard bytes.readableBytes <= remaining else {
                throw ExchangeError.lengthMismatch(announced: announced ?? 0)
            }
            progress = .open(framing: framing, announced: announced, remaining: remaining - bytes.readableBytes)
        }
        if bytes.readableBytes > 0 { run.transport.send(framing.framed(bytes)) }
        wait(continuation)
    }

    /// Resumes when the connection takes more.
    private func wait(_ continuation: CheckedContinuation<Void, any Error>) {
        guard let run else { return continuation.resume(throwing: ExchangeError.gone) }
        guard !run.transport.isWritable else { return continuation.resume() }
        precondition(writer == nil, "the response of an exchange has one writer")
        writer = continuation
        taken = run.transport.bytesTaken
        takenSince = .now()
    }

    func writabilityChanged() {
        guard run?.transport.isWritable ?? false else { return }
        take(\.writer)?.resume()
    }

    func cut(reset: Bool = false) {
        guard let run else { return }
        disconnected()
        run.giveUp(reset: reset)
    }

    // MARK: The end

    /// A body without a length and without chunks ends with the connection (HTTP/1.0): half of one would pass for the
    /// whole.
    private var looksWholeWhenClosed: Bool {
        if case .open(.plain, announced: nil, _) = progress { true } else { false }
    }

    private func ended(_ failure: (any Error)?) {
        task = nil
        guard let run else { return }
        let progress = progress
        let mustReset = looksWholeWhenClosed
        self.progress = .over
        self.run = nil
        switch (progress, failure) {
        case (.over, _): break
        case (.none, let failure): fail(failure ?? ExchangeError.headMissing, run)
        case (.open(let framing, _, let remaining), nil) where (remaining ?? 0) == 0:
            if remaining == nil, !isHead { run.transport.send(ByteBuffer(bytes: framing.terminator)) }
            run.finished()
        // Half a response must not look like a whole one.
        case (.open, _): run.giveUp(reset: mustReset)
        }
    }

    /// There is no response: the function threw before it wrote one.
    private func fail(_ error: any Error, _ run: RequestRun) {
        switch error {
        case ExchangeError.gone, ExchangeError.torn, is CancellationError: run.giveUp()
        case ExchangeError.bodyTooLarge(let limit): run.failed(.bodyTooLarge(limit: limit))
        case ExchangeError.overloaded: run.failed(.overloaded)
        case ExchangeError.bodyTimeout: run.failed(.bodyTimeout)
        case ExchangeError.draining: run.failed(.draining)
        default: run.failed(.broken)
        }
    }

    /// The peer is gone, or nobody is to be answered any more.
    func disconnected() {
        run = nil
        progress = .over
        if case .arriving = body { body = .failed(.gone) }
        parts = []
        // First: whoever is told that the peer has gone finds itself cancelled.
        task?.cancel()
        take(\.reader)?.resume(throwing: ExchangeError.gone)
        take(\.writer)?.resume(throwing: ExchangeError.gone)
    }

    /// What comes is no HTTP any more.
    func torn() {
        guard case .arriving = body else { return }
        bodyFailed(.torn)
    }

    /// The server goes away: whoever has no response yet is told so, any other sees that it is cut off.
    func drain() {
        guard let run else { return }
        let hasResponse = if case .none = progress { false } else { true }
        let mustReset = looksWholeWhenClosed
        disconnected()
        if hasResponse { run.giveUp(reset: mustReset) } else { fail(ExchangeError.draining, run) }
    }

    /// Whoever has no response yet is told why, any other sees that it is cut off.
    func loseRight(_ loss: RightLoss) {
        guard let run else { return }
        let hasResponse = if case .none = progress { false } else { true }
        let mustReset = looksWholeWhenClosed
        disconnected()
        if hasResponse { run.giveUp(reset: mustReset) } else { run.failed(.lostRight(loss)) }
    }

    func tick(now: NIODeadline) {
        if reader != nil, case .arriving = body, now - readSince >= bodyIdle { bodyFailed(.bodyTimeout) }
        guard writer != nil, let run else { return }
        let takenNow = run.transport.bytesTaken
        if takenNow != taken {
            taken = takenNow
            takenSince = now
        } else if now - takenSince >= writeStall {
            cutOff()
        }
    }

    private func take<Value>(_ path: ReferenceWritableKeyPath<Exchange, Value?>) -> Value? {
        defer { self[keyPath: path] = nil }
        return self[keyPath: path]
    }
}
