package import EventSource

/// Every decision of a producer: what to send, when again, when to stop reading and how it ends.
///
/// One request is in flight at a time. It carries the sequence number that makes a repetition harmless, and is
/// repeated, byte for byte, until it is answered; input that arrives meanwhile gathers into the next one. The machine
/// does no I/O and reads no clock: each method is told what happened and when, and returns what to do.
@available(freshet 0.1, *)
package struct ProducerMachine<Random: RandomNumberGenerator & Sendable>: Sendable {
    private enum Flight: Sendable {
        case none
        case sent(Request)
        case retry(Request, at: Duration)
    }

    /// What a server says to an append of nothing.
    private static var refusesNothing: Set<Int> { [400, 405, 411, 415, 422, 501] }

    private let settings: Settings
    private var batcher: Batcher
    private var retries: Retries<Random>
    private var flight = Flight.none
    private var isCreated: Bool
    /// The server has not said that it knows no leases.
    private var renewsLease: Bool
    private var sequence = 0
    private var inputHasEnded = false
    /// How to end; changes when the input turns out to be bad.
    private var end: EventSource.End?
    private var inputFailure: String?
    package private(set) var outcome: Outcome?
    private var lastResponse = Duration.zero
    /// Bytes of input that the server has acknowledged.
    package private(set) var acknowledgedBytes = 0
    /// Appends that the server has acknowledged.
    package private(set) var acknowledgedAppends = 0
    /// The position after the last event that the server has acknowledged.
    package private(set) var acknowledgedOffset: String?
    /// What the server said last that it would say again.
    package private(set) var refusal: (status: Int, code: String?)?

    package init(settings: Settings, random: Random) {
        self.settings = settings
        retries = Retries(
            base: settings.retryBase,
            maximum: settings.retryMaximum,
            patience: settings.patience,
            random: random
        )
        batcher = Self.batcher(settings)
        isCreated = !settings.creates
        renewsLease = settings.leaseSeconds != nil
        end = settings.end
    }

    private static func batcher(_ settings: Settings) -> Batcher {
        Batcher(
            kind: settings.kind,
            mostBytes: settings.maximumBatchBytes,
            mostPieces: settings.maximumBatchEvents
        )
    }

    /// No more input is taken: it has ended, or everything has.
    package var isClosed: Bool { outcome != nil || inputHasEnded }

    /// Everything whole that was put in is acknowledged.
    package var isFlushed: Bool {
        guard isCreated, !batcher.hasBatch else { return false }
        switch flight {
        case .none, .sent(.renewLease), .retry(.renewLease, _): return true
        case .sent, .retry: return false
        }
    }

    /// What was wrong with the input, as far as that is known.
    package var inputTrouble: String? { inputFailure }

    /// Whether more input should be read now.
    package var wantsInput: Bool {
        guard outcome == nil, !inputHasEnded else { return false }
        // Without anything whole to send, only more input can help.
        guard batcher.hasBatch || flightBytes > 0 else { return true }
        return batcher.pendingBytes + flightBytes < settings.maximumPendingBytes
    }

    /// The request in flight waits to be repeated.
    package var isTroubled: Bool {
        if case .retry = flight { true } else { false }
    }

    private var flightBytes: Int {
        switch flight {
        case .none: 0
        case .sent(let request), .retry(let request, _): request.bodyBytes
        }
    }

    package mutating func start(at now: Duration) -> Action {
        next(at: now)
    }

    /// More input: bytes as they come, or one whole event.
    package mutating func received(_ bytes: [UInt8], isEvent: Bool = false, at now: Duration) -> Action {
        guard !isClosed else { return next(at: now) }
        do {
            if isEvent { try batcher.append(event: bytes) } else { try batcher.append(bytes) }
        } catch {
            failInput("\(error)")
        }
        return next(at: now)
    }

    /// No more input comes, and the stream is to end in another way than the settings say; nil leaves it open.
    package mutating func inputEnded(as end: EventSource.End?, at now: Duration) -> Action {
        if !inputHasEnded { self.end = end }
        return inputEnded(at: now)
    }

    package mutating func inputEnded(at now: Duration) -> Action {
        if !inputHasEnded {
            inputHasEnded = true
            batcher.finish()
        }
        return next(at: now)
    }

    /// The input broke off, or the user wants to stop: what is whole of it is still sent, and the stream ends as
    /// failed.
    package mutating func inputBroke(_ reason: String, at now: Duration) -> Action {
        if !inputHasEnded { failInput(reason) }
        return next(at: now)
    }

    package mutating func timer(at now: Duration) -> Action {
        next(at: now)
    }

    /// Nobody wants anything of it any more.
    package mutating func stop(at now: Duration) -> Action {
        if outcome == nil { outcome = .stopped }
        return next(at: now)
    }

    /// The request in flight can never be sent.
    package mutating func unsendable(_ reason: String, at now: Duration) -> Action {
        if outcome == nil { outcome = .refused(reason) }
        return next(at: now)
    }

    /// The request in flight was answered.
    package mutating func answered(_ response: StreamResponse, at now: Duration) -> Action {
        guard outcome == nil, case .sent(let request) = flight else { return next(at: now) }
        if case .question(let sequence, let refused) = request, let expected = response.expectedSequence {
            heard(at: now)
            if expected > sequence { acknowledged(refused.bytes) } else { self.refused(refused) }
            return next(at: now)
        }
        switch response.status {
        case 200, 201, 204:
            guard response.nextOffset != nil else {
                flight = .none
                outcome = .foreign(status: response.status)
                break
            }
            // 204 says that the number was used before, which only an earlier attempt of this producer may have done.
            if request.isAppend, response.status == 204, retries.failures == 0, !settings.isSoleOwner {
                flight = .none
                outcome = .fenced("another producer of this id and epoch writes the stream", epoch: nil)
                break
            }
            accepted(request, response, at: now)
        case 409 where request == .create && !response.isClosed && settings.acceptsAnyOpenStream:
            // Should its type be another, the first append is refused for that.
            accepted(request, response, at: now)
        case let status where request == .renewLease && !response.isClosed && Self.refusesNothing.contains(status):
            // Which a renewal is to one that knows no leases.
            heard(at: now)
            renewsLease = false
        case 413 where request.isAppend, 400 where request.isAppend && !response.isClosed, 422 where request.isAppend:
            let refused = RefusedAppend(
                bytes: request.bodyBytes,
                status: response.status,
                code: response.code,
                problem: response.problem
            )
            if retries.failures == 0 {
                // Nothing of it was kept, for certain: this was its first answer.
                heard(at: now)
                self.refused(refused)
            } else {
                flight = .retry(.question(sequence: sequence, refused), at: now)
            }
        case _ where response.isPassing:
            retry(request, response.problem, atLeast: response.retryAfter ?? .zero, at: now)
        default:
            flight = .none
            refusal = (response.status, response.code)
            if let end = response.end {
                outcome = .ended(end)
            } else if request.isNumbered, let epoch = response.fencingEpoch {
                outcome = .fenced(response.problem, epoch: epoch)
            } else if response.status == 404 || response.status == 410, request != .create {
                outcome = .gone(response.problem)
            } else if let inputFailure {
                outcome = .refused("\(inputFailure); nor could the stream be ended: \(response.problem)")
            } else {
                outcome = .refused(response.problem)
            }
        }
        return next(at: now)
    }

    /// The request in flight got no response; whether it was carried out is not known.
    package mutating func failed(_ reason: String, at now: Duration) -> Action {
        if outcome == nil, case .sent(let request) = flight { retry(request, reason, atLeast: .zero, at: now) }
        return next(at: now)
    }

    private mutating func accepted(_ request: Request, _ response: StreamResponse, at now: Duration) {
        heard(at: now)
        switch request {
        case .create:
            // A stream of that name and kind may be there already; an ended one takes nothing more.
            if let end = response.end { outcome = .ended(end) }
            isCreated = true
        case .append(_, let body):
            acknowledged(body.count)
            acknowledgedOffset = response.nextOffset
        case .renewLease:
            if let end = response.end { outcome = .ended(end) }
        case .question: outcome = .refused("the server took an append whose number leaves others out")
        case .end(_, let asked):
            if let end = response.end, let reason = end.reason, reason != asked.reason {
                outcome = .ended(end)
            } else {
                outcome = inputFailure.map(Outcome.inputFailed) ?? .complete
            }
        }
    }

    /// The request in flight was decided.
    private mutating func heard(at now: Duration) {
        flight = .none
        retries.succeeded()
        lastResponse = now
    }

    private mutating func acknowledged(_ bytes: Int) {
        sequence += 1
        acknowledgedAppends += 1
        acknowledgedBytes += bytes
    }

    /// Nothing of an append was kept. A bound of the server is kept from now on; otherwise the input is at fault, which
    /// no repetition mends: those who read the stream learn it now, not from a lease that runs out.
    private mutating func refused(_ append: RefusedAppend) {
        let isCut =
            switch append.code {
            case "too-many-events": batcher.cutSmaller(by: .events)
            case "body-too-large": batcher.cutSmaller(by: .bytes)
            // Another server, or a proxy before it, which says no more than that.
            case nil where append.status == 413: batcher.cutSmaller(by: .bytes)
            default: false
            }
        guard !isCut else { return }
        refusal = (append.status, append.code)
        failInput(append.problem)
        batcher = Self.batcher(settings)
    }

    private mutating func retry(_ request: Request, _ reason: String, atLeast least: Duration, at now: Duration) {
        guard let time = retries.failed(atLeast: least, at: now) else {
            outcome = .gaveUp(reason)
            return
        }
        flight = .retry(request, at: time)
    }

    private mutating func failInput(_ reason: String) {
        inputHasEnded = true
        inputFailure = reason
        if end != nil { end = EventSource.End(reason: .failed, detail: reason) }
    }

    private mutating func next(at now: Duration) -> Action {
        if let outcome { return .finish(outcome) }
        switch flight {
        case .sent:
            return .nothing
        case .retry(let request, let time):
            return now >= time ? send(request) : .wait(until: time)
        case .none:
            break
        }
        guard isCreated else { return send(.create) }
        do {
            if let body = try batcher.next() { return send(.append(sequence: sequence, body: body)) }
        } catch {
            if inputFailure == nil { failInput("\(error)") }
        }
        if inputHasEnded {
            if let end { return send(.end(sequence: sequence, end)) }
            let outcome = inputFailure.map(Outcome.inputFailed) ?? .complete
            self.outcome = outcome
            return .finish(outcome)
        }
        guard renewsLease, let lease = settings.leaseSeconds else { return .nothing }
        // A third leaves room for two repetitions. Sooner than that it is also a question: has someone cancelled?
        let renewal = lastResponse + min(.milliseconds(lease * 1000 / 3), Settings.longestSilence)
        return now >= renewal ? send(.renewLease) : .wait(until: renewal)
    }

    private mutating func send(_ request: Request) -> Action {
        flight = .sent(request)
        return .send(request)
    }
}
