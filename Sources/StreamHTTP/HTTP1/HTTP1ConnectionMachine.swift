package import NIOCore

/// Where an HTTP/1 connection stands between its requests and responses: what may be read, what follows a response, and
/// when it has been somewhere too long.
///
/// It knows nothing of sockets, and of a request only whether it is here and whether it is the last: the rest is
/// `RequestStateMachine`'s. What cannot happen is told by name (`Action.illegal`).
@available(freshet 0.1, *)
package struct HTTP1ConnectionMachine {
    /// The request that is being answered, as far as it changes what follows.
    package struct Request: Equatable, Sendable {
        package var isHTTP10: Bool
        package var isHead: Bool
        /// Nothing follows its response on this connection: the peer or the server wants it so, or what follows could
        /// not be told from the rest of this request.
        package var isLast: Bool
        /// All of it was read.
        package var isComplete = false

        package init(isHTTP10: Bool = false, isHead: Bool = false, isLast: Bool = false) {
            self.isHTTP10 = isHTTP10
            self.isHead = isHead
            self.isLast = isLast
        }
    }

    package enum State: Equatable, Sendable {
        /// Between requests: not a byte of the next one is here.
        case idle(since: NIODeadline)
        /// Bytes of a head are here, the head is not.
        case head(since: NIODeadline)
        case request(Request)
        /// The response is on its way to the peer, who may be slow to take it.
        case flushing(isLast: Bool, since: NIODeadline)
        /// The response is a stream: nothing else follows, and what comes is discarded.
        case streaming(Request)
        /// The last response is out and our side is closed; the peer may still be sending.
        case lingering(since: NIODeadline, budget: Int)
        case closed
    }

    package enum Event: Equatable, Sendable {
        /// Bytes arrived, whatever they are.
        case bytes(Int)
        case head(Request)
        /// The end of the request.
        case requestEnded
        /// The head of a response that is written in parts says that the connection closes after it.
        case lastResponseBegan
        /// The response goes on for as long as a stream does.
        case streamBegan
        /// All of a response is written.
        case answered(isLast: Bool)
        /// The peer, or its kernel, took some of what is written.
        case progressed
        /// The peer, or its kernel, took everything that was written.
        ///
        /// - Parameter isInputOver: nothing more comes, and everything that came was looked at.
        case flushed(isInputOver: Bool)
        /// What comes is no HTTP; nil when that is the connection's fault.
        case malformed(RequestFailure?)
        /// Nothing more comes, and everything that came was looked at.
        case inputEnded
        /// The server is going away.
        case draining(closesIdle: Bool)
        case closed
    }

    package enum Action: Equatable, Sendable {
        case none
        /// No request is being answered, and none will be: say so, as the last response.
        case respond(RequestFailure)
        /// The request that is being answered is told.
        case tellBroken(RequestFailure)
        case tellInputEnded
        /// Take the next request.
        case takeNext
        /// Close our side, and listen for a while: closing at once while the peer is still sending would make the
        /// kernel answer with a reset, which destroys what the peer has not read yet.
        case closeOutput
        case close
        case illegal(IllegalTransition)
    }

    package struct Times: Sendable {
        package var header: TimeAmount
        package var idle: TimeAmount
        package var writeStall: TimeAmount
        package var linger: TimeAmount

        package init(header: TimeAmount, idle: TimeAmount, writeStall: TimeAmount, linger: TimeAmount) {
            self.header = header
            self.idle = idle
            self.writeStall = writeStall
            self.linger = linger
        }
    }

    package private(set) var state: State
    private let lingerBytes: Int

    package init(lingerBytes: Int, now: NIODeadline) {
        self.state = .idle(since: now)
        self.lingerBytes = lingerBytes
    }

    /// The request whose response is being written.
    package var request: Request? {
        switch state {
        case .request(let request), .streaming(let request): request
        case .idle, .head, .flushing, .lingering, .closed: nil
        }
    }

    /// Whether the next part of a request may be looked at.
    package var takesParts: Bool {
        switch state {
        case .idle, .head: true
        case .request(let request): !request.isComplete
        case .flushing, .streaming, .lingering, .closed: false
        }
    }

    /// Whether parts of requests that come now may be looked at later.
    package var keepsParts: Bool {
        switch state {
        case .idle, .head, .request, .flushing(isLast: false, _): true
        case .flushing, .streaming, .lingering, .closed: false
        }
    }

    package var isBusy: Bool {
        switch state {
        case .idle, .head, .closed: false
        case .request, .flushing, .streaming, .lingering: true
        }
    }

    package mutating func next(_ event: Event, now: NIODeadline) -> Action {
        switch event {
        case .bytes(let count): bytes(count, now)
        case .head(let request): head(request)
        case .requestEnded: requestEnded()
        case .lastResponseBegan: lastResponseBegan()
        case .streamBegan: streamBegan()
        case .answered(let isLast): answered(isLast, now)
        case .progressed: progressed(now)
        case .flushed(let isInputOver): flushed(isInputOver, now)
        case .malformed(let failure): malformed(failure)
        case .inputEnded: inputEnded()
        case .draining(let closesIdle): draining(closesIdle)
        case .closed: enter(.closed, .none)
        }
    }

    /// What is to be done because nothing happened for so long.
    package mutating func tick(_ times: Times, now: NIODeadline) -> Action {
        switch state {
        // A browser opens connections ahead of need; a peer that sent nothing is told nothing.
        case .idle(let since): now - since >= times.idle ? enter(.closed, .close) : .none
        case .head(let since): now - since >= times.header ? .respond(.headTimeout) : .none
        case .flushing(_, let since): now - since >= times.writeStall ? enter(.closed, .close) : .none
        case .lingering(let since, _): now - since >= times.linger ? enter(.closed, .close) : .none
        case .request, .streaming, .closed: .none
        }
    }

    // MARK: -

    private mutating func bytes(_ count: Int, _ now: NIODeadline) -> Action {
        switch state {
        case .idle: return enter(.head(since: now), .none)
        case .lingering(let since, let budget):
            guard budget >= count else { return enter(.closed, .close) }
            return enter(.lingering(since: since, budget: budget - count), .none)
        case .head, .request, .flushing, .streaming, .closed: return .none
        }
    }

    private mutating func head(_ request: Request) -> Action {
        switch state {
        case .idle, .head: enter(.request(request), .none)
        case .request, .flushing, .streaming, .lingering, .closed: illegal(.head(request))
        }
    }

    private mutating func requestEnded() -> Action {
        guard case .request(var request) = state, !request.isComplete else { return illegal(.requestEnded) }
        request.isComplete = true
        return enter(.request(request), .none)
    }

    private mutating func lastResponseBegan() -> Action {
        guard case .request(var request) = state else { return illegal(.lastResponseBegan) }
        request.isLast = true
        return enter(.request(request), .none)
    }

    private mutating func streamBegan() -> Action {
        guard case .request(let request) = state else { return illegal(.streamBegan) }
        return enter(.streaming(request), .none)
    }

    private mutating func answered(_ isLast: Bool, _ now: NIODeadline) -> Action {
        switch state {
        // What is left of a request that was not read to its end must not be taken for the next one.
        case .request(let request):
            enter(.flushing(isLast: isLast || request.isLast || !request.isComplete, since: now), .none)
        // One that never became a request is the last.
        case .head, .idle, .streaming: enter(.flushing(isLast: true, since: now), .none)
        case .flushing, .lingering, .closed: illegal(.answered(isLast: isLast))
        }
    }

    private mutating func progressed(_ now: NIODeadline) -> Action {
        switch state {
        case .flushing(let isLast, _): enter(.flushing(isLast: isLast, since: now), .none)
        case .idle, .head, .request, .streaming, .lingering, .closed: .none
        }
    }

    private mutating func flushed(_ isInputOver: Bool, _ now: NIODeadline) -> Action {
        switch state {
        case .flushing(isLast: false, _) where !isInputOver: enter(.idle(since: now), .takeNext)
        case .flushing where isInputOver: enter(.closed, .close)
        case .flushing: enter(.lingering(since: now, budget: lingerBytes), .closeOutput)
        // Closed while it waited.
        case .closed: .none
        case .idle, .head, .request, .streaming, .lingering: illegal(.flushed(isInputOver: isInputOver))
        }
    }

    private mutating func malformed(_ failure: RequestFailure?) -> Action {
        switch state {
        case .idle, .head: return failure.map { .respond($0) } ?? enter(.closed, .close)
        case .request(var request):
            request.isLast = true
            let wasComplete = request.isComplete
            state = .request(request)
            if wasComplete { return .none }
            return failure.map { .tellBroken($0) } ?? .tellInputEnded
        // What comes now is discarded, whatever it is: also the rest of a request that was refused as malformed, and
        // what a departing decoder held of a request behind a subscription.
        case .flushing(_, let since): return enter(.flushing(isLast: true, since: since), .none)
        case .streaming, .lingering, .closed: return .none
        }
    }

    private mutating func inputEnded() -> Action {
        switch state {
        case .idle, .head, .lingering: enter(.closed, .close)
        case .request, .streaming: .tellInputEnded
        // What is being taken is taken to its end.
        case .flushing, .closed: .none
        }
    }

    private mutating func draining(_ closesIdle: Bool) -> Action {
        switch state {
        case .idle where closesIdle: return enter(.closed, .close)
        case .request(var request):
            request.isLast = true
            return enter(.request(request), .none)
        case .flushing(_, let since): return enter(.flushing(isLast: true, since: since), .none)
        // A request may be under way: it is answered, and is the last (`HTTPLoop.isDraining`).
        case .idle, .head, .streaming, .lingering, .closed: return .none
        }
    }

    private mutating func enter(_ state: State, _ action: Action) -> Action {
        self.state = state
        return action
    }

    private func illegal(_ event: Event) -> Action { .illegal(IllegalTransition("\(event)", in: "\(state)")) }
}
