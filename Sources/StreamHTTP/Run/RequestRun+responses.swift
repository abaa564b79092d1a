import NIOCore
import StreamCore

/// The kinds of responses: how each begins, and what works on it tells.
@available(freshet 0.1, *)
extension RequestRun {
    // MARK: Kinds of responses

    func askBeforeBody(_ refusal: @escaping @Sendable () async -> Response?) {
        guard owesContinue || head?.body.isLarge == true else { return }
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.immediately(refusal) { response in
            let run = bound.value
            // A client that sent the body without waiting is answered when it is here.
            guard case .collecting = run.machine.state else { return }
            if let response { run.reply(.response(response)) } else { run.continueIfOwed() }
        }
    }

    /// `100 Continue`, on acceptance and only when asked for (RFC 9110, section 10.1.1).
    func continueIfOwed() {
        guard owesContinue else { return }
        owesContinue = false
        transport.sendContinue()
    }

    func open(_ plan: StreamingAppendPlan) {
        began = nil
        record?.begin()
        let streaming = StreamingAppend(
            plan: plan,
            limits: loop.configuration.pieces,
            eventLoop: loop.eventLoop,
            onHold: { [weak self] in self?.hold($0) },
            // An append may be decided after the transport has gone.
            onResume: { [weak self] in self?.wantsBodyAgain() },
            onFinish: { [weak self] response in self?.appended(response) }
        )
        guard let streaming else {
            preconditionFailure("a streaming append's plan needs a type whose bodies can be cut")
        }
        work = .append(streaming)
        streaming.open { [weak self] in
            guard let self, isAppending else { return }
            continueIfOwed()
            transport.bodyWantChanged()
        }
    }

    private func appended(_ response: Response?) {
        guard let response else { return giveUp() }
        if case .append(let streaming) = work, let outcome = streaming.outcome { note(AccessEnd(outcome)) }
        if response.status >= 400 { note(.refused) }
        reply(.response(response))
    }

    func begin(_ plan: ExchangePlan, hasBody: Bool) {
        began = nil
        execution = .none
        let exchange = Exchange(
            plan: plan,
            run: self,
            isHead: head?.method == .HEAD,
            hasBody: hasBody,
            eventLoop: loop.eventLoop,
            configuration: loop.configuration
        )
        work = .exchange(exchange)
        exchange.start()
        if !machine.isOver { transport.responseWaits() }
    }

    func subscribe(_ plan: SubscriptionPlan) {
        transport.responseStreams()
        note(status: 200)
        record?.begin()
        let subscriber = Subscriber(plan: plan, run: self, plane: plane)
        work = .subscriber(subscriber)
        subscriber.open()
        if !machine.isOver { transport.responseWaits() }
    }

    func catchUp(_ plan: CatchUpPlan) {
        let catchUp = CatchUp(plan: plan, run: self, plane: plane)
        work = .catchUp(catchUp)
        catchUp.open()
        if !machine.isOver { transport.responseWaits() }
    }

    func wait(_ plan: LongPollPlan) {
        began = nil
        let longPoll = LongPoll(plan: plan, address: transport.peerAddress, plane: plane) { [unowned self] response in
            work = .none
            reply(.response(response))
        }
        work = .longPoll(longPoll)
        longPoll.open()
        if !machine.isOver { transport.responseWaits() }
    }

    func wait(for work: @escaping @Sendable () async -> Reply) {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let eventLoop = loop.eventLoop
        self.work = .pending(
            Task {
                let reply = await work()
                eventLoop.execute {
                    bound.value.work = .none
                    bound.value.reply(reply)
                }
            }
        )
        transport.responseWaits()
    }

    var plane: LoopPlane {
        guard let plane = loop.responder.plane else {
            preconditionFailure("a responder without streams has no plans that read any")
        }
        return plane.plane(on: loop.eventLoop)
    }

    // MARK: What works on the response tells

    func wantsBodyAgain() {
        guard !machine.isOver else { return }
        if case .exchanging = machine.state { continueIfOwed() }
        transport.bodyWantChanged()
    }

    /// The head of a response that is written in parts, with the first of them. Returns how many bytes that is.
    @discardableResult
    func send(_ response: ResponseHead, _ part: ByteBuffer = ByteBuffer()) -> Int {
        let head = head
        self.head = nil
        note(status: response.status)
        return transport.send(loop.sent(response, to: head, of: transport.peerAddress, began: began), part)
    }

    /// A response of the server's own as the client reads it.
    func shaped(_ response: Response) -> Response { loop.responder.shaped(response, for: head) }

    /// The response that is written in parts is at its end.
    func finished(isComplete: Bool = true) { tell(.finished(isComplete: isComplete)) }

    func failed(_ failure: RequestFailure) { tell(.failed(failure)) }

    /// The peer's address, without the port; empty where it is not known.
    var peerAddress: String { transport.peerAddress }

    /// The peer has taken nothing for too long.
    func noteEviction(from name: StreamName, form: String) {
        note(.evicted)
        loop.log.evicted(name, form: form, from: transport.peerAddress)
    }

    /// The peer has taken nothing of an exchange's response for too long.
    func noteEvictionFromExchange() {
        note(.evicted)
        loop.evicted(form: "exchange", from: transport.peerAddress)
    }

    /// What was promised cannot be sent.
    func noteCut(of name: StreamName) { loop.log.torn(name, from: transport.peerAddress) }

    func giveUp(reset: Bool = false) {
        let action = next(.givenUp)
        guard action == .abort else { return perform(action) }
        abort(reset: reset)
    }
}
