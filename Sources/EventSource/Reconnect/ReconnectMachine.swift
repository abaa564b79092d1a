import ServerSentEvents

/// Every decision of an event source: what to request, what a response means, what to deliver, when to come back.
///
/// It does no I/O and reads no clock: each method is told what happened and when (as a duration since the machine's
/// beginning), and returns what to do. The randomness of the backoff is injected.
///
/// ```
/// idle ──connect──▶ connecting ──head 200──▶ open ──end, cut, silence──▶ waiting ──connect──▶ connecting
///                     │  ▲ redirect             │
///                     ├──┘                      └── end of the stream, limit ──▶ finished
///                     ├── 401, first ──▶ waiting (for fields) ──connect──▶ connecting
///                     ├── passing refusal ──▶ waiting
///                     └── 204, final refusal ──▶ finished
/// ```
@available(freshet 0.1, *)
struct ReconnectMachine<Random: RandomNumberGenerator & Sendable>: Sendable {
    typealias Request = StreamRequest

    /// What comes after something that ended an attempt or a connection.
    enum Next: Equatable {
        case wait(EventSource.Reconnection)
        /// Nothing more will come.
        case finish(EventSource.End?)
        case fail(EventSourceError)
    }

    /// What to do about the head of a response.
    enum HeadAction: Equatable {
        /// Read the body.
        case open
        /// Leave this response and send that.
        case send(Request)
        /// Have fields made for the next attempt, then ``connect(with:)``.
        case renew
        case leave(Next)
    }

    /// What to do with fields that were made for an attempt.
    enum MadeAction: Equatable {
        case send(Request)
        case leave(Next)
    }

    /// What to do after bytes of the body.
    enum BodyAction: Equatable {
        case readOn
        /// Leave this response.
        case leave(Next)
    }

    /// How an attempt or a connection ended without the machine asking for it.
    enum Disconnection: Equatable {
        case endOfBody
        /// No connection could be made, so that no server has had the request.
        case unreachable(String)
        case failed(String)
        case idle
    }

    private struct Connection {
        var opened: Duration
        var deliveredEvent = false
        var parser: BodyParser
    }

    private enum State {
        case idle
        /// What led there, in order.
        case connecting(Hop, from: [Hop])
        case open(Connection)
        case waiting
        case finished
    }

    private let target: Target
    private let configuration: EventSource.Configuration
    private var state = State.idle
    private var lastEventID: String
    private var backoff: Backoff
    private var random: Random
    private var attempts = 0
    /// What was made for the current attempt.
    private var made: [HeaderField] = []
    /// Whether it was made because the attempt before was answered 401.
    private var isRenewed = false
    /// What was made for the last attempt, if it was answered 401.
    private var refused: [HeaderField]?
    /// Since when there has been no open connection.
    private var disconnectedSince = Duration.zero

    /// - Throws: If the URL or the configured last event id cannot be requested at all.
    init(url: String, configuration: EventSource.Configuration, random: Random) throws(EventSourceError) {
        guard let target = Target(url) else {
            throw EventSourceError(
                .invalidURL,
                URLTrouble.describe(url, example: "http://127.0.0.1:4437/v1/stream/name")
            )
        }
        self.target = configuration.startOffset.map { target.adding(query: "offset", $0) } ?? target
        self.configuration = configuration
        self.random = random
        lastEventID = configuration.lastEventID
        backoff = Backoff(base: configuration.reconnectionTime, maximum: configuration.maximumBackoff)
        if let error = unsendable(lastEventID) { throw error }
        let trouble =
            StreamRequest.trouble(method: configuration.method)
            ?? configuration.headers.lazy.compactMap { StreamRequest.trouble(name: $0.name, value: $0.value) }.first
        if let trouble { throw EventSourceError(.invalidRequest, "\(target.url): \(trouble)") }
    }

    /// Begins the first attempt, or the next one when the wait is over.
    mutating func connect() -> Request {
        switch state {
        case .idle, .waiting:
            let first = Hop(target: target, method: configuration.method, sendsBody: configuration.body != nil)
            state = .connecting(first, from: [])
            attempts += 1
            return request(first)
        case .connecting, .open, .finished:
            preconditionFailure("an attempt begins only when there is none")
        }
    }

    /// The attempt that fields are to be made for.
    var attempt: EventSource.Attempt {
        EventSource.Attempt(number: attempts + 1, isAfter401: refused != nil, lastEventID: lastEventID)
    }

    /// Begins the attempt that these fields were made for.
    mutating func connect(with fields: [HeaderField]) -> MadeAction {
        if let trouble = fields.lazy.compactMap({ StreamRequest.trouble(name: $0.name, value: $0.value) }).first {
            return .leave(fail(.invalidRequest, "\(target.url): \(trouble)", nil))
        }
        guard fields != refused else { return .leave(fail(.status, "\(target.url) answered 401", 401)) }
        isRenewed = refused != nil
        refused = nil
        made = fields
        return .send(connect())
    }

    /// There are no fields for this attempt.
    mutating func headersFailed(_ what: String, at now: Duration) -> Next {
        attempts += 1
        return wait(.headersFailed(what), now: now)
    }

    /// The head of the response to the request of this attempt.
    mutating func received(_ head: ResponseHead, at now: Duration) -> HeadAction {
        guard case .connecting(let current, let earlier) = state else {
            preconditionFailure("a head answers an attempt")
        }
        let url = current.target.url
        // After a redirect that made it a GET, a server has acted on the request.
        let isUndone = current.method == configuration.method
        switch head.status {
        case 200:
            if let coding = head.coding {
                let message =
                    "\(url) answered in the coding '\(coding)', which was not asked for: something on the way "
                    + "compresses (freshet doctor finds it)"
                return .leave(fail(.contentEncoding, message, 200))
            }
            guard let format = BodyFormat(contentType: head.contentType), format == configuration.format else {
                let found = head.contentType.map { "'\($0)'" } ?? "none"
                let wanted = configuration.format.mediaType
                return .leave(fail(.contentType, "\(url) answered with content type \(found), not \(wanted)", 200))
            }
            state = .open(
                Connection(opened: now, parser: BodyParser(format, configuration, lastEventID: lastEventID))
            )
            return .open
        case 204:
            state = .finished
            guard configuration.dialect == .freshet else { return .leave(.finish(nil)) }
            let reason = head.endReason.map(EventSource.End.Reason.init(rawValue:))
            return .leave(.finish(EventSource.End(reason: reason, detail: head.endDetail)))
        case 301, 302, 303, 307, 308:
            guard earlier.count < configuration.maximumRedirects else {
                return .leave(
                    fail(.redirect, "\(target.url) redirects more than \(earlier.count) times", head.status)
                )
            }
            guard let next = current.redirected(head.status, to: head.location ?? "") else {
                let location =
                    head.location.map { "'\($0)', which cannot be requested" } ?? "nowhere: it has no Location"
                return .leave(fail(.redirect, "\(url) redirects to \(location)", head.status))
            }
            // Nothing else that was sent changes on the way, so the same method at the same URL is answered the same.
            // Without this the circle would be run through until a connection fails, and begun anew after it.
            if earlier.contains(next) || next == current {
                let message = "\(target.url) redirects in a circle: \(url) leads back to \(next.target.url)"
                return .leave(fail(.redirect, message, head.status))
            }
            state = .connecting(next, from: earlier + [current])
            return .send(request(next))
        case 401 where mayRenew(current):
            refused = made
            state = .waiting
            return .renew
        case 408, 425, 429, 500...599:
            // By these a server says that it did not act; the others do not say so.
            let saysNo = [408, 425, 429, 503].contains(head.status) && isUndone
            guard configuration.statusPolicy == .tolerant, saysNo || configuration.mayRepeat else { fallthrough }
            return .leave(wait(.status(head.status), atLeast: head.retryAfter, now: now))
        default:
            return .leave(fail(.status, "\(url) answered \(head.status)", head.status))
        }
    }

    /// Bytes of the body, in order. What is to be delivered is appended to `elements`, also when the action is to
    /// leave.
    mutating func received(
        _ bytes: UnsafeRawBufferPointer,
        at now: Duration,
        into elements: inout [EventSource.Element]
    ) -> BodyAction {
        guard case .open(var connection) = state else {
            preconditionFailure("a body belongs to an open connection")
        }
        // The parser moves out of the state and back, so that it is not copied.
        state = .finished
        var outputs: [EventStreamParser.Output] = []
        do {
            try connection.parser.parse(bytes) { outputs.append($0) }
        } catch {
            let code =
                if case .notAnEvent = error as? EventLineParser.Failure {
                    EventSourceError.Code.contentType
                } else {
                    EventSourceError.Code.limitExceeded
                }
            let failure = EventSourceError(code, "the stream cannot be read: \(error)", status: 200)
            _ = deliver(outputs, &connection, at: now, into: &elements)
            return .leave(.fail(failure))
        }
        if let next = deliver(outputs, &connection, at: now, into: &elements) { return .leave(next) }
        lastEventID = connection.parser.lastEventID
        state = .open(connection)
        return .readOn
    }

    /// The attempt failed, or the connection ended.
    mutating func disconnected(_ how: Disconnection, at now: Duration) -> Next {
        switch state {
        case .connecting(let current, _):
            switch how {
            case .unreachable(let what) where current.method == configuration.method:
                return wait(.connectionFailed(what), now: now)
            case .endOfBody: return repeatOrFail(.connectionFailed("no response"), now: now)
            case .failed(let what), .unreachable(let what): return repeatOrFail(.connectionFailed(what), now: now)
            case .idle: return repeatOrFail(.idle, now: now)
            }
        case .open(let connection):
            close(connection, at: now)
            switch how {
            case .endOfBody where configuration.stopsAtEndOfBody || !configuration.mayRepeat:
                state = .finished
                return .finish(nil)
            case .endOfBody: return wait(.endOfBody, now: now)
            case .failed(let what), .unreachable(let what): return repeatOrFail(.connectionLost(what), now: now)
            case .idle: return repeatOrFail(.idle, now: now)
            }
        case .idle, .waiting, .finished:
            preconditionFailure("there is nothing to lose here")
        }
    }

    /// The attempt or the connection was dropped because somebody asked for a new one.
    mutating func restarted(at now: Duration) -> Next {
        switch state {
        case .connecting: break
        case .open(let connection): close(connection, at: now)
        case .idle, .waiting, .finished: preconditionFailure("there is nothing to drop here")
        }
        return wait(.restarted, now: now)
    }

    /// Turns parsed outputs into elements. Anything after an output that ends the connection is not read: nothing
    /// follows Freshet's `end` and `reconnect`.
    private mutating func deliver(
        _ outputs: [EventStreamParser.Output],
        _ connection: inout Connection,
        at now: Duration,
        into elements: inout [EventSource.Element]
    ) -> Next? {
        for output in outputs {
            switch output {
            case .comment(let text):
                if configuration.deliversComments { elements.append(.comment(text)) }
            case .retry(let milliseconds):
                let asked = Duration.milliseconds(min(Int64(milliseconds), 1 << 40))
                backoff.base = min(asked, Backoff.longestServerDelay)
            case .event(let event):
                connection.deliveredEvent = true
                lastEventID = event.lastEventID
                guard configuration.dialect == .freshet else {
                    elements.append(.event(event))
                    continue
                }
                switch ControlEvent(event) {
                case .none: elements.append(.event(event))
                case .heartbeat: break
                case .start(let offset): elements.append(.start(offset: offset))
                case .gap(let gap): elements.append(.gap(gap))
                case .end(let end):
                    state = .finished
                    return .finish(end)
                case .reconnect(let why):
                    close(connection, at: now)
                    return repeatOrFail(.requested(why: why), now: now)
                }
            }
        }
        return nil
    }

    /// Notes what an open connection leaves behind.
    private mutating func close(_ connection: Connection, at now: Duration) {
        disconnectedSince = now
        if connection.deliveredEvent || now - connection.opened >= configuration.backoffResetThreshold {
            backoff.failures = 0
        }
    }

    /// Whether a 401 asks for new fields: those that were sent have been sent there, and are the first of this attempt.
    private func mayRenew(_ hop: Hop) -> Bool {
        configuration.headersForAttempt != nil && !isRenewed && hop.target.isSameOrigin(as: target)
            && (hop.method == configuration.method || configuration.mayRepeat)
    }

    private func request(_ hop: Hop) -> Request {
        Request(
            url: hop.target.url,
            method: hop.method,
            sendsBody: hop.sendsBody,
            lastEventID: lastEventID,
            sendsCredentials: hop.target.isSameOrigin(as: target),
            made: made
        )
    }

    /// Waits, after something before which a server may have acted on the request.
    private mutating func repeatOrFail(_ reason: EventSource.Reconnection.Reason, now: Duration) -> Next {
        guard configuration.mayRepeat else {
            let method = configuration.method
            return fail(.notRepeated, "\(target.url): \(reason), and this \(method) is not to be sent again", nil)
        }
        return wait(reason, now: now)
    }

    private mutating func wait(
        _ reason: EventSource.Reconnection.Reason,
        atLeast asked: Duration? = nil,
        now: Duration
    ) -> Next {
        if let limit = configuration.givesUpAfter, now - disconnectedSince >= limit {
            return fail(.gaveUp, "\(target.url): gave up after \(limit.components.seconds) s; at last \(reason)", nil)
        }
        if let error = unsendable(lastEventID) {
            state = .finished
            return .fail(error)
        }
        state = .waiting
        var delay = max(backoff.next(using: &random), min(asked ?? .zero, Backoff.longestServerDelay))
        // The last attempt is made when the time is over, however long the server asked to stay away.
        if let limit = configuration.givesUpAfter { delay = min(delay, disconnectedSince + limit - now) }
        return .wait(EventSource.Reconnection(reason: reason, delay: delay, attempt: backoff.failures))
    }

    private mutating func fail(_ code: EventSourceError.Code, _ message: String, _ status: Int?) -> Next {
        state = .finished
        return .fail(EventSourceError(code, message, status: status))
    }

    /// An id that no header field can carry would fail every attempt before it is sent.
    private func unsendable(_ id: String) -> EventSourceError? {
        guard id.utf8.contains(where: StreamRequest.isControl) else { return nil }
        return EventSourceError(
            .unsendableLastEventID,
            "the last event id has control characters, so Last-Event-ID cannot carry it and the stream cannot continue"
        )
    }
}
