import NIOCore
import StreamCore

/// A live body on another server's connection: what is read of it there is appended here.
final class HostedLive: HostedRequest {
    private let plane: LoopPlane
    private var live: LiveRequest?
    private var isOver = false
    /// The final answer; nil when there is nobody to answer.
    private var response: Response?
    private var waiting: CheckedContinuation<Response?, Never>?
    private var reader: CheckedContinuation<Bool, Never>?

    init(plane: LoopPlane) {
        self.plane = plane
    }

    func open(_ plan: LivePlan) {
        let live = LiveRequest(
            plan: plan,
            limits: plane.configuration.pieces,
            eventLoop: plane.eventLoop,
            onResume: { [weak self] in self?.resumeReading() },
            onFinish: { [weak self] response in self?.finish(response) }
        )
        guard let live else { preconditionFailure("a live plan needs a type whose bodies can be cut") }
        self.live = live
        plane.add(self as any HostedRequest)
        live.open { [weak self] in self?.resumeReading() }
    }

    /// Resumes with true when more is wanted, with false when nothing ever is.
    func whenWanted(_ continuation: CheckedContinuation<Bool, Never>) {
        guard let live else { return continuation.resume(returning: false) }
        if live.wantsMore { return continuation.resume(returning: true) }
        reader = continuation
    }

    func whenAnswered(_ continuation: CheckedContinuation<Response?, Never>) {
        if isOver { continuation.resume(returning: response) } else { waiting = continuation }
    }

    func received(_ buffer: ByteBuffer) { live?.received(buffer) }

    func bodyEnded() { live?.bodyEnded() }

    func torn() { live?.torn() }

    private func resumeReading() {
        guard let live, live.wantsMore else { return }
        reader?.resume(returning: true)
        reader = nil
    }

    private func finish(_ response: Response?) {
        guard !isOver else { return }
        isOver = true
        self.response = response
        live = nil
        plane.remove(self as any HostedRequest)
        reader?.resume(returning: false)
        reader = nil
        waiting?.resume(returning: response)
        waiting = nil
    }

    var mayLeave: Bool { false }

    func tick(now: NIODeadline) {}

    func drain() { live?.drain() }

    func abandon() {
        live?.torn()
        finish(nil)
    }
}
