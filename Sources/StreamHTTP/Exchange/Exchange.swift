import DequeModule
import NIOCore

/// One exchange on its connection: hands the body to the function, and what that writes to the connection.
///
/// Bound to the connection's event loop.
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

    private enum Answer {
        case none
        /// The bytes of the body that are still to come, where the head told.
        case open(framing: BodyFraming, announced: Int?, remaining: Int?)
        case over
    }

    private let plan: ExchangePlan
    private let request: ResponseEncoder.Request
    private let eventLoop: any EventLoop
    private let bodyIdle: TimeAmount
    private let writeStall: TimeAmount
    private weak var outlet: (any ExchangeOutlet)?

    private var body: Body
    private var parts: Deque<ByteBuffer> = []
    private var backlog = 0
    private var received = 0
    private var reader: CheckedContinuation<ByteBuffer?, any Error>?
    /// The call that waits, and the last one that was cancelled, perhaps before it had begun.
    private var read: Read?
    private var cancelledRead: Read?
    private var readSince = NIODeadline.now()

    private var answer = Answer.none
    private var writer: CheckedContinuation<Void, any Error>?
    private var unsent = 0
    private var unsentSince = NIODeadline.now()

    private var task: Task<Void, Never>?

    /// - Parameter hasBody: false when there is none, or when it was read before.
    init(
        plan: ExchangePlan,
        request: ResponseEncoder.Request,
        hasBody: Bool,
        eventLoop: any EventLoop,
        configuration: DataPlaneConfiguration,
        outlet: any ExchangeOutlet
    ) {
        self.plan = plan
        self.request = request
        self.eventLoop = eventLoop
        self.bodyIdle = configuration.bodyIdleTime
        self.writeStall = configuration.writeStall
        self.body = hasBody ? .arriving : .complete
        self.outlet = outlet
    }

    func start() {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let run = plan.run
        task = Task.immediate {
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
            outlet?.bodyIsWanted()
            return
        }
        switch body {
        case .complete: continuation.resume(returning: nil)
        case .failed(let error): continuation.resume(throwing: error)
        case .arriving:
            reader = continuation
            self.read = read
            readSince = .now()
            outlet?.bodyIsWanted()
        }
    }

    func cancel(_ read: Read) {
        cancelledRead = read
        if self.read === read { take(\.reader)?.resume(throwing: CancellationError()) }
    }

    // MARK: The answer

    func writeHead(
        _ status: Int,
        _ headers: [HeaderField],
        length: Int?,
        _ continuation: CheckedContinuation<Void, any Error>
    ) throws {
        guard let outlet else { throw ExchangeError.gone }
        guard case .none = answer else { throw ExchangeError.headWritten }
        let hasNoBody = request.isHead || status == 204 || status == 304
        answer = .open(
            framing: length == nil ? ResponseEncoder.framing(for: request) : .plain,
            announced: length,
            remaining: hasNoBody ? 0 : length
        )
        outlet.send(ByteBuffer(bytes: outlet.encodeHead(status, plan.headers + headers, length: length)))
        wait(continuation)
    }

    func writeBody(_ bytes: ByteBuffer, _ continuation: CheckedContinuation<Void, any Error>) throws {
        guard let outlet else { throw ExchangeError.gone }
        guard case .open(let framing, let announced, let remaining) = answer else {
            if case .over = answer { throw ExchangeError.gone }
            throw ExchangeError.headMissing
        }
        // To a HEAD the body is made and not sent.
        if request.isHead { return continuation.resume() }
        if let remaining {
            guard bytes.readableBytes <= remaining else {
                throw ExchangeError.lengthMismatch(announced: announced ?? 0)
            }
            answer = .open(framing: framing, announced: announced, remaining: remaining - bytes.readableBytes)
        }
        if bytes.readableBytes > 0 { outlet.send(framing.framed(bytes)) }
        wait(continuation)
    }

    /// Resumes when the connection takes more.
    private func wait(_ continuation: CheckedContinuation<Void, any Error>) {
        guard let outlet else { return continuation.resume(throwing: ExchangeError.gone) }
        guard !outlet.isWritable else { return continuation.resume() }
        precondition(writer == nil, "the answer of an exchange has one writer")
        writer = continuation
        unsent = outlet.unsentBytes
        unsentSince = .now()
    }

    func writabilityChanged() {
        guard outlet?.isWritable ?? false else { return }
        take(\.writer)?.resume()
    }

    func cut(reset: Bool = false) {
        guard let outlet else { return }
        disconnected()
        if reset { outlet.reset() } else { outlet.abort() }
    }

    // MARK: The end

    private func ended(_ failure: (any Error)?) {
        task = nil
        guard let outlet else { return }
        switch (answer, failure) {
        case (.over, _): break
        case (.none, let failure): outlet.exchangeFailed(self, failure ?? ExchangeError.headMissing)
        case (.open(let framing, _, let remaining), nil) where (remaining ?? 0) == 0:
            if remaining == nil, !request.isHead { outlet.send(ByteBuffer(bytes: framing.terminator)) }
            outlet.exchangeFinished(self)
        // Half an answer must not look like a whole one.
        case (.open, _): outlet.abort()
        }
        answer = .over
        self.outlet = nil
    }

    /// The peer is gone, or nobody is to be answered any more.
    func disconnected() {
        outlet = nil
        answer = .over
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

    /// The server goes away: whoever has no answer yet is told so, any other sees that it is cut off.
    func drain() {
        guard let outlet else { return }
        let hasAnswer = if case .none = answer { false } else { true }
        disconnected()
        if hasAnswer { outlet.abort() } else { outlet.exchangeFailed(self, ExchangeError.draining) }
    }

    func tick(now: NIODeadline) {
        if reader != nil, case .arriving = body, now - readSince >= bodyIdle { bodyFailed(.bodyTimeout) }
        guard writer != nil, let outlet else { return }
        let waiting = outlet.unsentBytes
        if waiting != unsent {
            unsent = waiting
            unsentSince = now
        } else if now - unsentSince >= writeStall {
            cut()
        }
    }

    private func take<Value>(_ path: ReferenceWritableKeyPath<Exchange, Value?>) -> Value? {
        defer { self[keyPath: path] = nil }
        return self[keyPath: path]
    }
}
