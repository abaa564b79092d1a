import DequeModule
import NIOCore
import NIOHTTP1
import StreamCore

/// Writing answers, and becoming a subscription.
extension ConnectionHandler {
    func reply(_ reply: Reply) {
        guard machine.phase != .closed, machine.phase != .lingering, !isOutputClosed, context != nil else {
            if case .subscribe(let plan) = reply, case .held = plan.opening { plane.held.give(back: plan.name) }
            return
        }
        switch reply {
        case .response(let response): send(response)
        case .subscribe(let plan): subscribe(plan)
        case .wait(let plan): wait(plan)
        case .exchange(let plan): begin(plan, hasBody: false)
        case .pending(let work): wait(for: work)
        }
    }

    private func wait(for work: @escaping @Sendable () async -> Reply) {
        guard let context else { return }
        machine.waiting(now: .now())
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        let eventLoop = context.eventLoop
        pending = Task {
            let reply = await work()
            eventLoop.execute {
                bound.value.pending = nil
                bound.value.reply(reply)
            }
        }
        // Read on, so that the end of a peer who gives up is seen.
        resumeReading()
    }

    func wait(_ plan: LongPollPlan) {
        machine.waiting(now: .now())
        let longPoll = LongPoll(plan: plan, plane: plane) { [unowned self] response in
            self.longPoll = nil
            send(response)
        }
        self.longPoll = longPoll
        longPoll.open()
        // Read on, so that the end of a peer who gives up is seen.
        resumeReading()
    }

    func send(_ response: Response) {
        let closes = mustClose || response.framing == .stream || (inputIsClosed && parts.isEmpty)
        write(encoder.encode(response, to: request, closes: closes))
        mustClose = closes
        plane.counts.answers[response.status, default: 0] += 1
        if let why = response.reconnect { plane.counts.reconnects[why, default: 0] += 1 }
        answered()
    }

    /// The answer is written: goes on to the next request, or to the end.
    func answered() {
        head = nil
        plan = nil
        body = []
        if mustClose { return finishStream() }
        machine.flushing(now: .now())
        whenFlushed { connection in
            connection.machine.answered(now: .now())
            if connection.mustClose || (connection.inputIsClosed && connection.parts.isEmpty) {
                return connection.finishStream()
            }
            connection.takeParts()
        }
    }

    /// Goes on once the peer, or its kernel, has taken everything that was written.
    func whenFlushed(_ body: @escaping (ConnectionHandler) -> Void) {
        guard let context else { return }
        if direct.isIdle { return body(self) }
        let promise = context.eventLoop.makePromise(of: Void.self)
        promise.futureResult.assumeIsolated().whenSuccess { [weak self] in
            guard let self, self.context != nil else { return }
            body(self)
        }
        context.writeAndFlush(Self.wrapOutboundOut(ByteBuffer()), promise: promise)
    }

    func subscribe(_ plan: SubscriptionPlan) {
        guard let context else { return }
        let request = request
        let head = encoder.encodeStreamHead(plan.headers, to: request)
        machine.streamStarted(now: .now())
        plane.counts.answers[200, default: 0] += 1
        parts = []
        self.head = nil
        self.plan = nil
        removeDecoder(context)
        // The buffer for what a peer sends stays with a connection for hours, and a reader sends nothing.
        try? context.channel.syncOptions?.setOption(
            .recvAllocator,
            value: FixedSizeRecvByteBufferAllocator(capacity: 512)
        )
        let subscriber = Subscriber(
            plan: plan,
            framing: ResponseEncoder.framing(for: request),
            outlet: self,
            plane: plane
        )
        self.subscriber = subscriber
        subscriber.open(head: head)
        if inputIsClosed { context.close(promise: nil) }
        resumeReading()
    }

    func removeDecoder(_ context: ChannelHandlerContext) {
        let pipeline = context.pipeline.syncOperations
        if let decoder = try? pipeline.context(handlerType: ByteToMessageHandler<HTTPRequestDecoder>.self) {
            pipeline.removeHandler(context: decoder, promise: nil)
        }
        if let arrival = try? pipeline.context(handlerType: ArrivalHandler.self) {
            pipeline.removeHandler(context: arrival, promise: nil)
        }
    }

    var request: ResponseEncoder.Request {
        ResponseEncoder.Request(isHTTP10: head != nil && isHTTP10, isHead: head?.method == .HEAD)
    }

    func write(_ bytes: [UInt8]) { send(ByteBuffer(bytes: bytes)) }
}
