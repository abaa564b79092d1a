import NIOCore

/// A long-poll on another server's connection.
final class HostedLongPoll: HostedRequest {
    private let plane: LoopPlane
    private var longPoll: LongPoll?
    private var answer: CheckedContinuation<Response?, Never>?

    init(plane: LoopPlane, answer: CheckedContinuation<Response?, Never>) {
        self.plane = plane
        self.answer = answer
    }

    func open(_ plan: LongPollPlan) {
        let longPoll = LongPoll(plan: plan, plane: plane) { [unowned self] response in finish(response) }
        self.longPoll = longPoll
        plane.add(self as any HostedRequest)
        longPoll.open()
    }

    /// Nobody waits for the answer any more.
    func left() {
        longPoll?.disconnected()
        finish(nil)
    }

    private func finish(_ response: Response?) {
        longPoll = nil
        plane.remove(self as any HostedRequest)
        answer?.resume(returning: response)
        answer = nil
    }

    var mayLeave: Bool { true }

    func tick(now: NIODeadline) { longPoll?.tick(now: now) }

    func drain() { longPoll?.giveUp() }

    func abandon() { left() }
}
