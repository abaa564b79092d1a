import NIOCore
import StreamCore

/// A reader on another server's connection: the subscriber of the data plane, with a pipe for a socket.
final class HostedReader: SubscriberOutlet, HostedRequest {
    private let plane: LoopPlane
    private let pipe: BodyPipe
    private var subscriber: Subscriber?

    init(plane: LoopPlane, pipe: BodyPipe) {
        self.plane = plane
        self.pipe = pipe
    }

    func open(_ plan: SubscriptionPlan) {
        let bound = NIOLoopBound(self, eventLoop: plane.eventLoop)
        let eventLoop = plane.eventLoop
        pipe.begin(
            onRoom: { eventLoop.execute { bound.value.subscriber?.writabilityChanged() } },
            onLeave: { eventLoop.execute { bound.value.left() } }
        )
        // The other server frames what it sends.
        let subscriber = Subscriber(plan: plan, framing: .plain, outlet: self, plane: plane)
        self.subscriber = subscriber
        plane.add(self as any HostedRequest)
        subscriber.open(head: [])
    }

    private func left() {
        subscriber?.disconnected()
        leave()
    }

    private func leave() {
        subscriber = nil
        plane.remove(self as any HostedRequest)
    }

    // MARK: The outlet of its subscriber

    var isWritable: Bool { pipe.isWritable }

    var unsentBytes: Int { pipe.unsentBytes }

    func send(_ buffer: ByteBuffer) -> Bool { pipe.send(buffer) }

    func finishStream() {
        pipe.finish()
        leave()
    }

    func abort() {
        pipe.cut()
        leave()
    }

    // MARK: The request of its plane

    var mayLeave: Bool { subscriber.map { !plane.streams.isComingToAnEnd($0.name) } ?? true }

    func tick(now: NIODeadline) { subscriber?.tick(now: now) }

    func drain() { subscriber?.sayFarewell(.draining) }

    func abandon() {
        subscriber?.disconnected()
        abort()
    }
}
