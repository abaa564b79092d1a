package import NIOCore
import StreamCore

/// One request: carries out what its `RequestStateMachine` decides, whatever transport brought it. It belongs to the
/// transport's event loop.
///
/// The transport makes one for each head, starts it with a plan, tells it what comes, and writes what it is given.
package final class RequestRun {
    /// What of a plan waits for the whole request.
    private enum Execution {
        case none
        case respond(Response)
        case act(@Sendable () async -> Reply)
        case read(@Sendable () async -> Reply)
        case collect(@Sendable ([UInt8]) async -> Reply)
        case exchange(ExchangePlan)
    }

    unowned let transport: any RequestTransport
    private let loop: HTTPLoop
    private var machine: RequestStateMachine
    /// Nil as soon as nothing depends on it any more.
    private var head: RequestHead?
    private var execution = Execution.none
    private var work = ResponseWork.none
    private var body: [UInt8] = []
    /// What the body holds of the memory for what is in flight.
    private var isHolding = false
    private lazy var share = InflightShare(of: self, from: transport.peerAddress, on: loop) { $0.giveWay() }
    /// When it came; nil where its response waits for somebody else.
    private var began: NIODeadline? = .now()
    /// Why it may go on; nil where that cannot end.
    private var grant: (any AccessGrant)?
    /// The right to it ended while it was carried out: what comes of that is ended at once.
    private var lost: RightLoss?
    /// The peer waits for a word before it sends the body.
    private var owesContinue: Bool
    /// What the access log says of it; nil where there is none.
    private let record: AccessRecord?

    package init(_ head: RequestHead, on loop: HTTPLoop, transport: any RequestTransport) {
        self.head = head
        self.loop = loop
        self.transport = transport
        self.owesContinue = head.expectsContinue
        self.record = loop.record(of: head, from: transport.peerAddress, sent: transport.bytesSent)
        self.machine = RequestStateMachine(
            bodyIdle: loop.configuration.bodyIdleTime,
            bodyRate: loop.configuration.bodyRate
        )
    }

    // MARK: What the transport tells

    package func start(_ plan: RequestPlan) {
        let body = head?.body ?? .none
        switch plan {
        case .later(let decide): decideLater(decide)
        case .granted(let grant, let plan):
            self.grant = grant
            start(plan)
        case .named(let subject, let plan):
            record?.subject = subject
            start(plan)
        case .respond(let response):
            execution = .respond(response)
            tell(.planned(.respond, body))
        case .act(let act):
            execution = .act(act)
            tell(.planned(.act, body))
        case .read(let act):
            execution = .read(act)
            tell(.planned(.act, body))
        case .collect(let limit, let refusal, let act):
            execution = .collect(act)
            let action = next(.planned(.collect(limit: limit), body))
            if action == .gather { askBeforeBody(refusal) } else { perform(action) }
        case .streamingAppend(let plan):
            let action = next(.planned(.append, body))
            if action == .openAppend { open(plan) } else { perform(action) }
        case .exchange(let plan):
            execution = .exchange(plan)
            tell(.planned(.exchange(limit: plan.bodyLimit), body))
        }
    }

    package func received(_ part: ByteBuffer) {
        let action = next(.bodyPart(bytes: part.readableBytes))
        guard action == .take else { return perform(action) }
        switch work {
        case .append(let streaming): streaming.received(part)
        case .exchange(let exchange):
            exchange.received(part)
            hold(exchange.backlog)
        case .none, .catchUp, .longPoll, .subscriber, .pending:
            // Once, and no more than is announced: a buffer that grows is there twice while it does.
            if body.isEmpty, case .length(let length) = head?.body { body.reserveCapacity(length) }
            body.append(contentsOf: part.readableBytesView)
            hold(body.count)
        }
    }

    /// Bytes of the body that are none of its content: what chunks say beside their length, and what follows them.
    package func receivedBeside(_ bytes: Int) {
        switch machine.state {
        case .collecting, .exchanging(isBodyComplete: false): break
        // Nothing of a body is looked at yet, or none of it is kept longer than it takes to append it.
        default: return
        }
        let action = next(.bodyPart(bytes: bytes))
        guard action == .take else { return perform(action) }
        if case .exchange(let exchange) = work { exchange.receivedBeside(bytes) }
    }

    package func bodyEnded() { tell(.bodyEnded) }

    /// What follows is no part of a request.
    package func broken(_ failure: RequestFailure) {
        if isAppending { note(.refused) }
        tell(.broken(failure))
    }

    /// Nothing more comes from the peer.
    package func inputEnded() {
        let action = next(.inputEnded)
        if action == .abort || action == .tear { note(.left) }
        perform(action)
    }

    /// The peer is gone.
    package func left() {
        note(loop.isStopped ? .stopped : .left)
        tell(.left)
    }

    package func writabilityChanged() { work.writabilityChanged() }

    package func tick(now: NIODeadline) {
        if let expires = grant?.expires, loop.second >= expires { return loseRight(.expired) }
        let work = work
        work.tick(now: now)
        switch work {
        case .exchange(let exchange): hold(exchange.backlog)
        case .none: perform(machine.next(.tick, now: now))
        case .append, .catchUp, .longPoll, .subscriber, .pending: break
        }
    }

    /// The server is going away: what can be brought to its end at once is.
    package func drain() {
        switch work {
        case .none, .pending: break
        case .append, .catchUp, .exchange, .longPoll, .subscriber: note(.drained)
        }
        work.drain()
    }

    /// The rules about who may have changed: a request that has lost its right by them is brought to an end.
    func reviewRight() {
        if let grant, !grant.stillHolds { loseRight(.revoked) }
    }

    // MARK: What the transport asks

    /// Whether the next part of the body may be told.
    package var wantsBody: Bool {
        switch (machine.state, work) {
        case (.bodiless, _), (.collecting, _): true
        case (.appending(.arriving), .append(let streaming)): streaming.wantsMore
        case (.exchanging(isBodyComplete: false), .exchange(let exchange)): exchange.wantsMore
        default: false
        }
    }

    /// The body, of which parts may still wait, is appended while it arrives.
    package var isAppending: Bool { machine.state == .appending(.arriving) }

    /// The response may take long.
    package var isWaiting: Bool {
        switch machine.state {
        case .waiting, .paging, .streaming, .exchanging: true
        case .deciding, .bodiless, .collecting, .appending, .working, .over: false
        }
    }

    /// May be asked to leave while streams that are being written or have just ended are read to their end.
    package var mayLeave: Bool { work.mayLeave }

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
        record?.status = response.status
        return transport.send(loop.sent(response, to: head, of: transport.peerAddress, began: began), part)
    }

    /// A response of the server's own as the client reads it.
    func shaped(_ response: Response) -> Response { loop.responder.shaped(response, for: head) }

    /// Why it is about to be over, for the access log.
    func note(_ end: AccessEnd) { record?.note(end) }

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

    // MARK: -

    private func loseRight(_ loss: RightLoss) {
        grant = nil
        guard !machine.isOver else { return }
        note(AccessEnd(ReconnectReason(loss)))
        if case .collecting = machine.state {
            body = []
            hold(0)
            return tell(.failed(.lostRight(loss)))
        }
        let work = work
        if work.loseRight(loss) { return }
        if case .pending = work {
            self.work = .none
            return reply(.response(loop.responder.respond(to: .lostRight(loss), head: head)))
        }
        lost = loss
    }

    private func tell(_ event: RequestStateMachine.Event) { perform(next(event)) }

    private func next(_ event: RequestStateMachine.Event) -> RequestStateMachine.Action {
        machine.next(event, now: .now())
    }

    private func perform(_ action: RequestStateMachine.Action) {
        switch action {
        case .none, .discard: break
        case .execute: execute()
        case .endBody: work.bodyEnded()
        case .tear: work.bodyTorn()
        case .beginExchange(let hasBody):
            guard case .exchange(let plan) = execution else { preconditionFailure("an exchange without its plan") }
            begin(plan, hasBody: hasBody)
        case .finish(let isComplete):
            work = .none
            conclude(isComplete ? .done : .error)
            transport.finish(isComplete: isComplete)
        case .fail(let failure): respond(loop.responder.respond(to: failure, head: head))
        case .abort: abort(reset: false)
        case .drop:
            drop()
            conclude(.left)
        case .illegal(let transition):
            assertionFailure("\(transition)")
            transport.abort(reset: false)
        case .gather, .openAppend, .take, .respond, .subscribe, .wait, .pend, .page:
            preconditionFailure("done where it is asked for, with what it needs")
        }
    }

    private func decideLater(_ decide: @escaping @Sendable () async -> RequestPlan) {
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.immediately(decide) { plan in
            let run = bound.value
            // The peer may be gone by now, or was found to send no HTTP.
            guard !run.machine.isOver else { return }
            run.start(plan)
            // It was decided by the rules of then, and nobody could ask about it since.
            run.reviewRight()
            run.endWhatIsLost()
            if !run.machine.isOver { run.transport.bodyWantChanged() }
        }
    }

    /// The request is whole: carries its plan out.
    private func execute() {
        let work: @Sendable () async -> Reply
        switch execution {
        case .none: preconditionFailure("a request is carried out when it was decided how")
        case .respond(let response): return reply(.response(response))
        case .exchange(let plan): return reply(.exchange(plan))
        case .act(let act): work = act
        case .read(let act): return read(act)
        case .collect(let act):
            let whole = body
            body = []
            hold(whole.count, .work)
            work = { await act(whole) }
        }
        execution = .none
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.immediately(work) { bound.value.reply($0) }
    }

    private func read(_ act: @escaping @Sendable () async -> Reply) {
        execution = .none
        let eventLoop = loop.eventLoop
        plane.pages.take { [self] turn in
            // The peer may be gone by now.
            guard !machine.isOver else { return turn.end() }
            let bound = NIOLoopBound((self, turn), eventLoop: eventLoop)
            eventLoop.immediately(act) { reply in
                let (run, turn) = bound.value
                turn.came(reply.bytes)
                run.reply(reply)
                turn.end()
            }
        }
    }

    private func reply(_ reply: Reply) {
        hold(0)
        switch (next(.replied(reply.kind)), reply) {
        case (.respond, .response(let response)): respond(response)
        case (.subscribe, .subscribe(let plan)): subscribe(plan)
        case (.wait, .wait(let plan)): wait(plan)
        case (.beginExchange(let hasBody), .exchange(let plan)): begin(plan, hasBody: hasBody)
        case (.pend, .pending(let work)): wait(for: work)
        case (.page, .catchUp(let plan)): catchUp(plan)
        case (.discard, .subscribe(let plan)):
            if case .held = plan.opening { loop.responder.plane?.held.give(back: plan.name) }
        case (let action, _): perform(action)
        }
        endWhatIsLost()
    }

    /// Ends what came of a request whose right had ended before.
    private func endWhatIsLost() {
        guard let lost, !machine.isOver else { return }
        self.lost = nil
        loseRight(lost)
    }

    private func respond(_ response: Response) {
        work = .none
        record?.status = response.status
        transport.send(loop.sent(response, to: head, of: transport.peerAddress, began: began))
        conclude(.done)
    }

    private func abort(reset: Bool) {
        drop()
        conclude(.error)
        transport.abort(reset: reset)
    }

    private func conclude(_ end: AccessEnd) { record?.finish(end, sent: transport.bytesSent) }

    /// There is not memory for all that is in flight, and this request's body holds most of it.
    private func giveWay() {
        switch (machine.state, work) {
        case (.collecting, _):
            body = []
            hold(0)
            tell(.failed(.overloaded))
        case (.appending(.arriving), .append(let streaming)): streaming.giveWay()
        case (.exchanging(isBodyComplete: false), .exchange(let exchange)): exchange.giveWay()
        default: break
        }
    }

    /// What was written is what holds most. False when nothing is being written any more.
    func giveWayWithOutput() -> Bool {
        if case .catchUp = work { note(.evicted) }
        return work.giveWay()
    }

    /// Notes how much of the body is held.
    private func hold(_ bytes: Int, _ kind: InflightBudget.Kind = .body) {
        if bytes >= InflightBudget.petty || isHolding {
            isHolding = bytes > 0
            share.hold(bytes, kind)
        }
    }

    private func drop() {
        body = []
        hold(0)
        let work = work
        self.work = .none
        work.disconnected()
    }

    // MARK: Kinds of responses

    private func askBeforeBody(_ refusal: @escaping @Sendable () async -> Response?) {
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
    private func continueIfOwed() {
        guard owesContinue else { return }
        owesContinue = false
        transport.sendContinue()
    }

    private func open(_ plan: StreamingAppendPlan) {
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

    private func begin(_ plan: ExchangePlan, hasBody: Bool) {
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

    private func subscribe(_ plan: SubscriptionPlan) {
        transport.responseStreams()
        record?.status = 200
        record?.begin()
        let subscriber = Subscriber(plan: plan, run: self, plane: plane)
        work = .subscriber(subscriber)
        subscriber.open()
        if !machine.isOver { transport.responseWaits() }
    }

    private func catchUp(_ plan: CatchUpPlan) {
        let catchUp = CatchUp(plan: plan, run: self, plane: plane)
        work = .catchUp(catchUp)
        catchUp.open()
        if !machine.isOver { transport.responseWaits() }
    }

    private func wait(_ plan: LongPollPlan) {
        began = nil
        let longPoll = LongPoll(plan: plan, address: transport.peerAddress, plane: plane) { [unowned self] response in
            work = .none
            reply(.response(response))
        }
        work = .longPoll(longPoll)
        longPoll.open()
        if !machine.isOver { transport.responseWaits() }
    }

    private func wait(for work: @escaping @Sendable () async -> Reply) {
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

    private var plane: LoopPlane {
        guard let plane = loop.responder.plane else {
            preconditionFailure("a responder without streams has no plans that read any")
        }
        return plane.plane(on: loop.eventLoop)
    }
}
