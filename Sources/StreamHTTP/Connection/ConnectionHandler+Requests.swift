import DequeModule
import NIOCore
import NIOHTTP1
import StreamCore

/// Taking requests in, one at a time, and carrying out their plans.
extension ConnectionHandler {
    func bytesArrived(_ count: Int) {
        machine.bytesArrived(count, now: .now())
        if machine.phase == .closed { context?.close(promise: nil) }
    }

    func takeParts() {
        guard !isTakingParts else { return }
        isTakingParts = true
        defer { isTakingParts = false }
        while machine.takesParts, wantsBody, let part = parts.popFirst() {
            switch part {
            case .head(let head): received(head)
            case .body(let buffer): received(buffer)
            case .end: receivedEnd()
            }
        }
        if machine.phase == .streaming || machine.phase == .lingering { parts = [] }
        if inputIsClosed, parts.isEmpty { inputEnded() }
        resumeReading()
    }

    func received(_ parsed: HTTPRequestHead) {
        let head = RequestHead(parsed)
        self.head = head
        isHTTP10 = parsed.version.minor == 0
        body = []
        mustClose = HTTP1Syntax.isLast(parsed) || plane.isDraining || refusal != nil
        let facts = ConnectionFacts(
            address: address,
            localAddress: context?.localAddress,
            refusal: refusal,
            isDraining: plane.isDraining
        )
        let flaw = HTTP1Syntax.flaw(of: head, parsed.version)
        adopt(flaw.map { .answer(responder.answer(to: $0, head: head)) } ?? responder.plan(for: head, facts), head)
    }

    /// Begins to carry a plan out, or waits for it to be made.
    private func adopt(_ plan: RequestPlan, _ head: RequestHead) {
        if case .later(let decide) = plan { return wait(for: decide, head) }
        let length = if case .length(let length) = head.body { length } else { 0 }
        let hasBody = head.body != .none
        self.plan = plan
        machine.headArrived(plan.intake, hasBody: hasBody, now: .now())
        switch plan {
        case .answer(let response) where hasBody:
            mustClose = true
            reply(.response(response))
        case .act where hasBody:
            mustClose = true
            reply(.response(responder.answer(to: .bodyNotExpected, head: head)))
        case .collect(let limit, _, _) where hasBody && length > limit:
            fail(.bodyTooLarge(limit: limit))
        case .collect(_, let refusal, _) where hasBody && expectsContinue: continueUnless(refusal)
        case .live(let plan) where hasBody: open(plan)
        case .exchange(let plan) where hasBody:
            if let limit = plan.bodyLimit, length > limit { return fail(.bodyTooLarge(limit: limit)) }
            begin(plan, hasBody: true)
        default: break
        }
    }

    private func wait(for decide: @escaping @Sendable () async -> RequestPlan, _ head: RequestHead) {
        guard let context else { return }
        machine.deciding(now: .now())
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.immediately(decide) { plan in
            let connection = bound.value
            // The peer may be gone by now, or was found to send no HTTP.
            guard connection.machine.phase == .deciding, connection.context != nil else { return }
            connection.adopt(plan, head)
            connection.takeParts()
        }
    }

    /// The connection is gone, or carries no HTTP any more, in the middle of a live body. What came before is a part of
    /// the body, also where it waits for the request to be opened.
    func tearLive() {
        guard let live else { return }
        let waiting = parts
        parts = []
        body: for part in waiting {
            switch part {
            case .body(let buffer): live.received(buffer)
            case .end:
                live.bodyEnded()
                break body
            case .head: break body
            }
        }
        live.torn()
    }

    func received(_ buffer: ByteBuffer) {
        switch machine.phase {
        case .live: live?.received(buffer)
        case .exchanging: exchange?.received(buffer)
        case .collecting:
            guard case .collect(let limit, _, _) = plan else { return }
            guard body.count + buffer.readableBytes <= limit else { return fail(.bodyTooLarge(limit: limit)) }
            body.append(contentsOf: buffer.readableBytesView)
        // A parser that sees a body where the head gave none has been deceived, or has deceived us.
        case .bodiless: fail(.malformed("it has a body that its head did not announce"))
        default: break
        }
    }

    func receivedEnd() {
        switch machine.phase {
        case .live:
            machine.requestComplete(now: .now())
            live?.bodyEnded()
        case .exchanging:
            machine.waiting(now: .now())
            exchange?.bodyEnded()
        case .bodiless, .collecting:
            machine.requestComplete(now: .now())
            execute()
        default: break
        }
    }

    /// The request is whole: carries its plan out.
    func execute() {
        guard let plan, let context else { return }
        let work: @Sendable () async -> Reply
        switch plan {
        case .answer(let response): return reply(.response(response))
        case .act(let act): work = act
        case .collect(_, _, let act):
            let whole = body
            body = []
            work = { await act(whole) }
        case .exchange(let plan): return begin(plan, hasBody: false)
        case .live: preconditionFailure("a live request has a body, and is answered when that ends")
        case .later: preconditionFailure("a request is carried out when it was decided how")
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.immediately(work) { bound.value.reply($0) }
    }

    func open(_ plan: LivePlan) {
        guard let context else { return }
        let live = LiveRequest(
            plan: plan,
            limits: plane.configuration.pieces,
            eventLoop: context.eventLoop,
            // An append may be decided after the connection has gone.
            onResume: { [weak self] in self?.takeParts() },
            onFinish: { [weak self] response in self?.liveFinished(response) }
        )
        guard let live else { preconditionFailure("a live plan needs a type whose bodies can be cut") }
        self.live = live
        live.open { [weak self] in
            guard let self else { return }
            continueIfExpected()
            takeParts()
        }
    }

    func liveFinished(_ response: Response?) {
        live = nil
        guard let response else {
            guard let flaw else { return abort() }
            return fail(flaw)
        }
        // Unless the body was read to its end, what is left of it must not be taken for the next request.
        if machine.phase == .live { mustClose = true }
        reply(.response(response))
    }

    var expectsContinue: Bool { head?.expectsContinue ?? false }

    /// `100 Continue`, on acceptance and only when asked for (RFC 9110, section 10.1.1).
    func continueIfExpected() {
        guard expectsContinue else { return }
        guard [.collecting, .live, .exchanging].contains(machine.phase) else { return }
        write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }

    func continueUnless(_ refusal: @escaping @Sendable () async -> Response?) {
        guard let context else { return }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.immediately(refusal) { response in
            let connection = bound.value
            // A client that sent the body without waiting is answered when it is here.
            guard connection.machine.phase == .collecting else { return }
            guard let response else { return connection.continueIfExpected() }
            connection.mustClose = true
            connection.reply(.response(response))
        }
    }

    func fail(_ failure: RequestFailure) {
        mustClose = true
        reply(.response(responder.answer(to: failure, head: head)))
    }
}
