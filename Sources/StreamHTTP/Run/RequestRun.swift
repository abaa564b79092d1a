package import NIOCore
import StreamCore
package import Tracing

/// One request: carries out what its `RequestStateMachine` decides, whatever transport brought it. It belongs to the
/// transport's event loop.
///
/// The transport makes one for each head, starts it with a plan, tells it what comes, and writes what it is given.
@available(freshet 0.1, *)
package final class RequestRun {
    /// What of a plan waits for the whole request.
    enum Execution {
        case none
        case respond(Response)
        case act(@Sendable () async -> Reply)
        case read(@Sendable () async -> Reply)
        case collect(@Sendable ([UInt8]) async -> Reply)
        case answer(@Sendable ([UInt8], any LaterReply) -> Reply?)
        case exchange(ExchangePlan)
    }

    unowned let transport: any RequestTransport
    let loop: HTTPLoop
    var machine: RequestStateMachine
    /// Nil as soon as nothing depends on it any more.
    var head: RequestHead?
    var execution = Execution.none
    var work = ResponseWork.none
    private var body: [UInt8] = []
    /// What the body holds of the memory for what is in flight.
    private var isHolding = false
    private lazy var share = InflightShare(of: self, from: transport.peerAddress, on: loop) { $0.giveWay() }
    /// When it came; nil where its response waits for somebody else.
    var began: NIODeadline? = .now()
    /// Why it may go on; nil where that cannot end.
    var grant: (any AccessGrant)?
    /// What is held for it while it is open.
    private var held: (any AnyObject & Sendable)?
    /// The right to it ended while it was carried out: what comes of that is ended at once.
    var lost: RightLoss?
    /// The peer waits for a word before it sends the body.
    var owesContinue: Bool
    /// What the access log says of it; nil where there is none.
    let record: AccessRecord?
    /// What a trace says of it; nil where there is none.
    private let span: RequestSpan?

    package init(_ head: RequestHead, on loop: HTTPLoop, transport: any RequestTransport) {
        self.head = head
        self.loop = loop
        self.transport = transport
        self.owesContinue = head.expectsContinue
        self.record = loop.record(of: head, from: transport.peerAddress, sent: transport.bytesSent)
        self.span = loop.span(of: head)
        if let record, record.traceID == nil { record.traceID = span?.traceID }
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
            // It was let in by an answer of before, and was not open when all were asked about.
            if grant.isOutdated { askAgain() }
        case .holding(let held, let plan):
            // Decided late, for a peer that has gone meanwhile.
            if !machine.isOver { self.held = held }
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
            gather(limit, body, refusal)
        case .answer(let limit, let refusal, let answer):
            execution = .answer(answer)
            gather(limit, body, refusal)
        case .streamingAppend(let plan):
            let action = next(.planned(.append, body))
            if action == .openAppend { open(plan) } else { perform(action) }
        case .exchange(let plan):
            execution = .exchange(plan)
            tell(.planned(.exchange(limit: plan.bodyLimit), body))
        }
    }

    private func gather(_ limit: Int, _ body: RequestHead.Body, _ refusal: @escaping @Sendable () async -> Response?) {
        let action = next(.planned(.collect(limit: limit), body))
        if action == .gather { askBeforeBody(refusal) } else { perform(action) }
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
        case .none: perform(next(.tick, now: now))
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

    // MARK: What the transport asks

    /// What others begin that belongs to it; nil where there is no trace.
    package var trace: InstrumentationContext? { span?.context }

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

    /// The request is whole, and its response is being made.
    package var isWorking: Bool { machine.state == .working }

    /// The response may take long.
    package var isWaiting: Bool {
        switch machine.state {
        case .waiting, .paging, .streaming, .exchanging: true
        case .deciding, .bodiless, .collecting, .appending, .working, .over: false
        }
    }

    /// May be asked to leave while streams that are being written or have just ended are read to their end.
    package var mayLeave: Bool { work.mayLeave }

    // MARK: -

    func tell(_ event: RequestStateMachine.Event) { perform(next(event)) }

    func next(_ event: RequestStateMachine.Event) -> RequestStateMachine.Action {
        next(event, now: .now())
    }

    private func next(_ event: RequestStateMachine.Event, now: NIODeadline) -> RequestStateMachine.Action {
        let action = machine.next(event, now: now)
        if machine.isOver { held = nil }
        return action
    }

    func perform(_ action: RequestStateMachine.Action) {
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
            let whole = takeBody()
            work = { await act(whole) }
        case .answer(let answer):
            execution = .none
            if let reply = answer(takeBody(), LoopReply(self)) { self.reply(reply) }
            return
        }
        execution = .none
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        loop.eventLoop.immediately(work) { bound.value.reply($0) }
    }

    private func takeBody() -> [UInt8] {
        let whole = body
        body = []
        hold(whole.count, .work)
        return whole
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

    func reply(_ reply: Reply) {
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

    private func respond(_ response: Response) {
        work = .none
        note(status: response.status)
        transport.send(loop.sent(response, to: head, of: transport.peerAddress, began: began))
        conclude(.done)
    }

    func abort(reset: Bool) {
        drop()
        conclude(.error)
        transport.abort(reset: reset)
    }

    private func conclude(_ end: AccessEnd) {
        record?.finish(end, sent: transport.bytesSent)
        span?.finish(end)
    }

    /// Why it is about to be over, for the access log and the trace.
    func note(_ end: AccessEnd) {
        record?.note(end)
        span?.note(end)
    }

    func note(status: Int) {
        record?.status = status
        span?.status = status
    }

    /// There is not memory for all that is in flight, and this request's body holds most of it.
    private func giveWay() {
        switch (machine.state, work) {
        case (.collecting, _):
            forgetBody()
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
    func hold(_ bytes: Int, _ kind: InflightBudget.Kind = .body) {
        if bytes >= InflightBudget.petty || isHolding {
            isHolding = bytes > 0
            share.hold(bytes, kind)
        }
    }

    func forgetBody() {
        body = []
        hold(0)
    }

    private func drop() {
        forgetBody()
        let work = work
        self.work = .none
        work.disconnected()
    }
}
