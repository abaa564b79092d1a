import NIOCore
import StreamHTTP

/// The way of one request of an application: what the run answers goes into a pipe, from which Hummingbird's writer
/// takes it. It belongs to an event loop.
@available(freshet 0.1, *)
final class HummingbirdSink {
    /// What is known of the response.
    enum Outcome: Sendable {
        /// It may take long.
        case waits
        /// - Parameter isLast: something is left of the request's body.
        case whole(StreamHTTP.Response, isLast: Bool)
        /// Its body comes out of the pipe.
        case open(ResponseHead)
        /// There is none.
        case none
    }

    let peerAddress: String
    let pipe: ResponsePipe
    private let loop: HTTPLoop
    private(set) var run: RequestRun?
    private var isBodyComplete: Bool
    private var isEndTold = false
    private(set) var bytesSent: UInt64 = 0
    private var hasResponded = false
    /// Told, and not asked for yet, in order.
    private var outcomes: [Outcome] = []
    private var asking: CheckedContinuation<Outcome, Never>?
    private var feeding: CheckedContinuation<Bool, Never>?

    init(_ head: StreamHTTP.RequestHead, from peer: String, on loop: HTTPLoop, pipe: ResponsePipe) {
        self.peerAddress = peer
        self.loop = loop
        self.pipe = pipe
        self.isBodyComplete = head.body == .none
        let run = RequestRun(head, on: loop, transport: self)
        self.run = run
        loop.add(self)
    }

    /// - Parameter eventLoop: that of the sink.
    func start(_ plan: RequestPlan, on eventLoop: any EventLoop) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        pipe.begin(
            onRoom: { eventLoop.execute { bound.value.run?.writabilityChanged() } },
            onLeave: { eventLoop.execute { bound.value.left() } }
        )
        run?.start(plan)
        tellEnd()
    }

    // MARK: The request

    func received(_ part: ByteBuffer) { run?.received(part) }

    /// - Parameter isWhole: false when nobody reads it any more, or the peer left in its middle.
    func bodyEnded(isWhole: Bool) {
        guard !hasResponded else { return }
        guard isWhole else { return left() }
        isBodyComplete = true
        tellEnd()
    }

    /// While it is being decided how the request is answered, its end waits like any part of it.
    private func tellEnd() {
        guard isBodyComplete, !isEndTold, let run, run.wantsBody else { return }
        isEndTold = true
        run.bodyEnded()
    }

    /// Resumes with true when more of the body is wanted, with false when nothing ever is.
    func whenBodyIsWanted(_ continuation: CheckedContinuation<Bool, Never>) {
        guard let run, !hasResponded else { return continuation.resume(returning: false) }
        if run.wantsBody { continuation.resume(returning: true) } else { feeding = continuation }
    }

    /// Nobody is to be answered any more.
    func left() {
        let run = end()
        run?.left()
        pipe.cut()
        tell(.none)
    }

    // MARK: The response

    func whenResponded(_ continuation: CheckedContinuation<Outcome, Never>) {
        guard !outcomes.isEmpty else { return asking = continuation }
        continuation.resume(returning: outcomes.removeFirst())
    }

    private func tell(_ outcome: Outcome) {
        guard !hasResponded else { return }
        if case .waits = outcome {} else { hasResponded = true }
        if let asking {
            self.asking = nil
            asking.resume(returning: outcome)
        } else {
            outcomes.append(outcome)
        }
        if hasResponded { stopFeeding() }
    }

    private func stopFeeding() {
        feeding?.resume(returning: false)
        feeding = nil
    }

    @discardableResult
    private func end() -> RequestRun? {
        defer { run = nil }
        loop.remove(self)
        stopFeeding()
        return run
    }
}

@available(freshet 0.1, *)
extension HummingbirdSink: RequestTransport {
    /// Hummingbird frames what it sends.
    var framing: BodyFraming { .plain }

    var isWritable: Bool { pipe.isWritable }

    var bytesTaken: UInt64 { bytesSent - UInt64(pipe.unsentBytes) }

    func send(_ response: StreamHTTP.Response) {
        end()
        tell(.whole(response, isLast: !isBodyComplete))
    }

    func send(_ head: ResponseHead, _ part: ByteBuffer) -> Int {
        send(part)
        tell(.open(head))
        return part.readableBytes
    }

    @discardableResult
    func send(_ part: ByteBuffer) -> Bool {
        bytesSent += UInt64(part.readableBytes)
        return pipe.send(part)
    }

    func finish(isComplete: Bool) {
        if isComplete { pipe.finish() } else { pipe.cut() }
        end()
    }

    func abort(reset: Bool) {
        end()
        pipe.cut()
        tell(.none)
    }

    func bodyWantChanged() {
        tellEnd()
        guard let feeding, let run, run.wantsBody else { return }
        self.feeding = nil
        feeding.resume(returning: true)
    }

    /// Said by Hummingbird, as the application does for all its routes.
    func sendContinue() {}

    func responseWaits() { tell(.waits) }

    func responseStreams() {}
}

@available(freshet 0.1, *)
extension HummingbirdSink: HTTPLoopMember {
    var isBusy: Bool { run != nil }

    func tick(now: NIODeadline) { run?.tick(now: now) }

    func drain(closesIdle: Bool) { run?.drain() }

    func abandon() { left() }
}
