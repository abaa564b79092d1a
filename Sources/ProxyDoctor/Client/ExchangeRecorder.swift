import NIOCore

/// Writes down what one exchange shows, and hands it over once, at its end. It belongs to one event loop.
@available(freshet 0.1, *)
final class ExchangeRecorder {
    let request: ClientRequest
    private let result: EventLoopPromise<Recording>
    private var recording: Recording
    private(set) var isOver = false
    /// Closes the connection; set when there is one.
    var hangUp: () -> Void = {}

    init(_ request: ClientRequest, result: EventLoopPromise<Recording>) {
        self.request = request
        self.result = result
        let now = Self.now
        recording = Recording(sentAt: now, end: .open, endAt: now)
    }

    /// Milliseconds on a clock that never steps.
    static var now: Double { Double(NIODeadline.now().uptimeNanoseconds) / 1_000_000 }

    private var isSent = false

    func sent() {
        isSent = true
        recording.sentAt = Self.now
    }

    /// Gives up waiting: for a response, or for a connection that takes a request.
    func giveUp() {
        let what = request.server.isSecure ? "the TLS handshake did not come to its end" : "nobody answers"
        finish(isSent ? .open : .unreachable(what))
    }

    func head(_ head: ResponseHead) {
        guard !isOver else { return }
        recording.head = head
        recording.headAt = Self.now
    }

    func body(_ bytes: [UInt8]) {
        guard !isOver, !bytes.isEmpty else { return }
        recording.pieces.append(Recording.Piece(at: Self.now, bytes: bytes))
    }

    func finish(_ end: ResponseEnd) {
        guard !isOver else { return }
        isOver = true
        recording.end = end
        recording.endAt = Self.now
        result.succeed(recording)
        hangUp()
    }
}
