import NIOCore

/// The way back to a request on its event loop.
@available(freshet 0.1, *)
struct LoopReply: LaterReply {
    private let eventLoop: any EventLoop
    private let run: NIOLoopBound<RequestRun>

    init(_ run: RequestRun) {
        eventLoop = run.loop.eventLoop
        self.run = NIOLoopBound(run, eventLoop: run.loop.eventLoop)
    }

    func onLoop(_ body: @escaping @Sendable () -> Void) { eventLoop.execute(body) }

    func tell(_ reply: Reply) {
        guard eventLoop.inEventLoop else { return eventLoop.execute { run.value.reply(reply) } }
        run.value.reply(reply)
    }
}
