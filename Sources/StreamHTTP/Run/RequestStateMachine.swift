package import NIOCore

/// The life of one request, from its head to the end of its response: what to do about what happens to it.
///
/// It knows no sockets, no tasks and no transport: `RequestRun` does what it says. What cannot happen is told by name
/// (`Action.illegal`).
@available(freshet 0.1, *)
package struct RequestStateMachine {
    package enum State: Equatable, Sendable {
        /// The head is here; how it is answered is being decided. Nothing of a body is looked at.
        case deciding
        /// There is no body; the end of the request follows at once.
        case bodiless
        /// The body gathers, up to a limit of bytes.
        case collecting(limit: Int, received: Int, since: NIODeadline)
        /// The body is appended to a stream while it arrives.
        case appending(AppendedBody)
        /// A function reads the body, which may have been complete from the beginning, and writes the response.
        case exchanging(isBodyComplete: Bool)
        /// The request is whole; its response is being made.
        case working
        /// The response is made when something happens, or after a while.
        case waiting
        /// The response is a stretch of a stream, written page by page.
        case paging
        /// The response follows a stream.
        case streaming
        /// The response is written, or there is nobody to answer.
        case over
    }

    package enum AppendedBody: Equatable, Sendable {
        case arriving
        case complete
        /// What came in its middle was no HTTP: told when what came before is kept.
        case broken(RequestFailure)
    }

    /// What a plan takes in before it can be carried out.
    package enum Intake: Equatable, Sendable {
        /// Nothing: it is answered with what is known.
        case respond
        /// Nothing, and a body is a mistake.
        case act
        case collect(limit: Int)
        case append
        case exchange(limit: Int?)
    }

    package enum ReplyKind: String, Sendable, CaseIterable {
        case response, subscription, wait, exchange, pending, catchUp
    }

    package enum Event: Equatable, Sendable {
        /// It is decided how the request is answered.
        case planned(Intake, RequestHead.Body)
        case bodyPart(bytes: Int)
        case bodyEnded
        /// What follows on the transport is no part of a request.
        case broken(RequestFailure)
        /// What the request comes to.
        case replied(ReplyKind)
        /// A response that is written in parts is complete, or is not and will not be.
        case finished(isComplete: Bool)
        /// There is no response but this.
        case failed(RequestFailure)
        /// There is no response, and nobody to say so to.
        case givenUp
        /// Nothing more comes from the peer, which may still read.
        case inputEnded
        /// The peer is gone.
        case left
        case tick
    }

    package enum Action: Equatable, Sendable {
        case none
        /// Carry out what needs the whole request, which is here.
        case execute
        /// The body is to be gathered; a peer that waits for a word is given one.
        case gather
        /// Open the append, then take the body.
        case openAppend
        case beginExchange(hasBody: Bool)
        /// Hand the part, or the end, of the body on.
        case take
        case endBody
        /// The body goes no further.
        case tear
        case respond
        case subscribe
        case wait
        case pend
        case page
        /// The response is out.
        case finish(isComplete: Bool)
        case fail(RequestFailure)
        case abort
        /// Nobody is answered: what works on it stops.
        case drop
        /// A reply for nobody.
        case discard
        case illegal(IllegalTransition)
    }

    package private(set) var state = State.deciding
    private let bodyIdle: TimeAmount
    private let bodyRate: Int
    /// When the body began to gather.
    private var bodySince = NIODeadline.uptimeNanoseconds(0)

    /// - Parameters:
    ///   - bodyIdle: how long a body that is gathered may pause.
    ///   - bodyRate: the least bytes a second of it, once it has taken that long; 0 is no bound.
    package init(bodyIdle: TimeAmount, bodyRate: Int = 0) {
        self.bodyIdle = bodyIdle
        self.bodyRate = bodyRate
    }

    package var isOver: Bool { state == .over }

    package mutating func next(_ event: Event, now: NIODeadline) -> Action {
        switch event {
        case .planned(let intake, let body): planned(intake, body, now)
        case .bodyPart(let bytes): bodyPart(bytes, now)
        case .bodyEnded: bodyEnded()
        case .broken(let failure): broken(failure)
        case .replied(let kind): replied(kind)
        case .finished(let isComplete): finished(isComplete)
        case .failed(let failure): failed(failure)
        case .givenUp: givenUp()
        case .inputEnded: inputEnded()
        case .left: left()
        case .tick: tick(now)
        }
    }

    // MARK: The request

    private mutating func planned(_ intake: Intake, _ body: RequestHead.Body, _ now: NIODeadline) -> Action {
        switch (state, intake, body) {
        // The peer left, or was found to send no HTTP, while it was decided.
        case (.over, _, _): return .none
        case (.deciding, .append, .none): return illegal(.planned(intake, body))
        case (.deciding, _, .none): return enter(.bodiless, .none)
        // The body is not read.
        case (.deciding, .respond, _): return enter(.working, .execute)
        case (.deciding, .act, _): return enter(.over, .fail(.bodyNotExpected))
        case (.deciding, .collect(let limit), .length(let length)) where length > limit:
            return enter(.over, .fail(.bodyTooLarge(limit: limit)))
        case (.deciding, .exchange(let limit?), .length(let length)) where length > limit:
            return enter(.over, .fail(.bodyTooLarge(limit: limit)))
        case (.deciding, .collect(let limit), _):
            bodySince = now
            return enter(.collecting(limit: limit, received: 0, since: now), .gather)
        case (.deciding, .append, _): return enter(.appending(.arriving), .openAppend)
        case (.deciding, .exchange, _):
            return enter(.exchanging(isBodyComplete: false), .beginExchange(hasBody: true))
        default: return illegal(.planned(intake, body))
        }
    }

    private mutating func bodyPart(_ bytes: Int, _ now: NIODeadline) -> Action {
        switch state {
        case .collecting(let limit, let received, _):
            guard received + bytes <= limit else { return enter(.over, .fail(.bodyTooLarge(limit: limit))) }
            return enter(.collecting(limit: limit, received: received + bytes, since: now), .take)
        case .appending(.arriving), .exchanging(isBodyComplete: false): return .take
        // A parser that sees a body where the head gave none has been deceived, or has deceived us.
        case .bodiless: return enter(.over, .fail(.malformed("it has a body that its head did not announce")))
        // The rest of a body that nobody reads.
        case .appending(.broken), .over: return .none
        case .deciding, .appending(.complete), .exchanging(isBodyComplete: true), .working, .waiting, .paging,
            .streaming:
            return illegal(.bodyPart(bytes: bytes))
        }
    }

    private mutating func bodyEnded() -> Action {
        switch state {
        case .bodiless, .collecting: return enter(.working, .execute)
        case .appending(.arriving): return enter(.appending(.complete), .endBody)
        case .exchanging(isBodyComplete: false): return enter(.exchanging(isBodyComplete: true), .endBody)
        case .appending(.broken), .over: return .none
        case .deciding, .appending(.complete), .exchanging(isBodyComplete: true), .working, .waiting, .paging,
            .streaming:
            return illegal(.bodyEnded)
        }
    }

    private mutating func broken(_ failure: RequestFailure) -> Action {
        switch state {
        case .deciding, .bodiless, .collecting: return enter(.over, .fail(failure))
        case .appending(.arriving): return enter(.appending(.broken(failure)), .tear)
        case .exchanging(isBodyComplete: false): return enter(.exchanging(isBodyComplete: true), .tear)
        // The request was whole, and is answered.
        case .appending, .exchanging, .working, .waiting, .paging, .streaming, .over: return .none
        }
    }

    private mutating func inputEnded() -> Action {
        switch state {
        // Half a body, or a wait for nothing.
        case .collecting, .exchanging, .waiting, .streaming: return enter(.over, .abort)
        // Half a body, for ever: what was whole of it is kept, and there is nobody to answer.
        case .appending(.arriving): return .tear
        // A whole request is answered.
        case .deciding, .bodiless, .appending, .working, .paging, .over: return .none
        }
    }

    // MARK: The response

    private mutating func replied(_ kind: ReplyKind) -> Action {
        switch (state, kind) {
        case (.over, _): return .discard
        // A refusal before the body is here, or what an append came to.
        case (.collecting, .response), (.appending, .response): return enter(.over, .respond)
        case (.working, .response), (.waiting, .response): return enter(.over, .respond)
        case (.working, .subscription), (.waiting, .subscription): return enter(.streaming, .subscribe)
        case (.working, .wait), (.waiting, .wait): return enter(.waiting, .wait)
        case (.working, .pending), (.waiting, .pending): return enter(.waiting, .pend)
        case (.working, .catchUp), (.waiting, .catchUp): return enter(.paging, .page)
        case (.working, .exchange), (.waiting, .exchange):
            return enter(.exchanging(isBodyComplete: true), .beginExchange(hasBody: false))
        default: return illegal(.replied(kind))
        }
    }

    private mutating func finished(_ isComplete: Bool) -> Action {
        switch state {
        case .exchanging: return enter(.over, .finish(isComplete: isComplete))
        case .paging, .streaming: return enter(.over, .finish(isComplete: isComplete))
        case .over: return .none
        case .deciding, .bodiless, .collecting, .appending, .working, .waiting:
            return illegal(.finished(isComplete: isComplete))
        }
    }

    private mutating func failed(_ failure: RequestFailure) -> Action {
        switch state {
        case .collecting, .exchanging: return enter(.over, .fail(failure))
        case .over: return .none
        case .deciding, .bodiless, .appending, .working, .waiting, .paging, .streaming: return illegal(.failed(failure))
        }
    }

    private mutating func givenUp() -> Action {
        switch state {
        case .appending(.broken(let failure)): return enter(.over, .fail(failure))
        case .appending, .exchanging, .paging, .streaming: return enter(.over, .abort)
        case .over: return .none
        case .deciding, .bodiless, .collecting, .working, .waiting: return illegal(.givenUp)
        }
    }

    private mutating func left() -> Action {
        switch state {
        case .deciding, .bodiless, .collecting, .appending, .exchanging, .working, .waiting, .paging, .streaming:
            return enter(.over, .drop)
        case .over: return .none
        }
    }

    private mutating func tick(_ now: NIODeadline) -> Action {
        guard case .collecting(_, let received, let since) = state else { return .none }
        if now - since >= bodyIdle { return enter(.over, .fail(.bodyTimeout)) }
        // A byte now and then is no pause, and would hold the rest for ever.
        let seconds = (now - bodySince).nanoseconds / 1_000_000_000
        guard bodyRate > 0, now - bodySince >= bodyIdle, Int64(received) < seconds * Int64(bodyRate) else {
            return .none
        }
        return enter(.over, .fail(.bodyTooSlow(rate: bodyRate)))
    }

    private mutating func enter(_ state: State, _ action: Action) -> Action {
        self.state = state
        return action
    }

    private func illegal(_ event: Event) -> Action { .illegal(IllegalTransition("\(event)", in: "\(state)")) }
}

/// Something that cannot happen in the state in which it was said to have happened: a fault of the program.
@available(freshet 0.1, *)
package struct IllegalTransition: Error, Equatable, Sendable, CustomStringConvertible {
    package let event: String
    package let state: String

    init(_ event: String, in state: String) {
        self.event = event
        self.state = state
    }

    package var description: String { "\(event) cannot happen while \(state)" }
}
