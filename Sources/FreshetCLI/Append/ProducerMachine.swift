import EventSource
import StreamCore

/// Every decision of a producer: what to send, when again, when to stop reading and how it ends.
///
/// One request is in flight at a time. It carries the sequence number that makes a repetition harmless, and is
/// repeated, byte for byte, until it is answered; input that arrives meanwhile gathers into the next one. The machine
/// does no I/O and reads no clock: each method is told what happened and when, and returns what to do.
struct ProducerMachine<Random: RandomNumberGenerator> {
    struct Settings {
        /// With a lease, the server hears from the producer at least this often, and the producer from the server.
        static var longestSilence: Duration { .seconds(5) }

        var contentType: ContentType
        /// Seconds of lease the stream is created with; renewed while there is nothing to send.
        var leaseSeconds: Int?
        /// Append to an open stream of that name even if its lease or time to live is another.
        var acceptsAnyOpenStream = false
        /// How the stream is ended when the input ends; nil leaves it open.
        var end: EventSource.End?
        /// Reading stops while this much is unacknowledged.
        var maximumPendingBytes = 1 << 20
        /// Give up after this long without a response to go on with.
        var patience = Duration.seconds(300)
        var retryBase = Duration.milliseconds(250)
        var retryMaximum = Duration.seconds(15)
    }

    enum Request: Equatable {
        case create
        case append(sequence: Int, body: [UInt8])
        case renewLease
        case end(sequence: Int, EventSource.End)
        /// Whether the append of this number was kept: its repetition was refused, which says nothing of the attempts
        /// before. Asked with an append whose number is too high by one even if it was, and which is so never kept.
        case question(sequence: Int, RefusedAppend)

        fileprivate var isAppend: Bool {
            if case .append = self { true } else { false }
        }

        fileprivate var bodyBytes: Int {
            switch self {
            case .append(_, let body): body.count
            case .question(_, let refused): refused.bytes
            case .create, .renewLease, .end: 0
            }
        }
    }

    /// An append that the server refused, and what it said.
    struct RefusedAppend: Equatable {
        var bytes: Int
        var code: String?
        var problem: String
    }

    enum Outcome: Equatable {
        /// Everything was acknowledged, and the stream ended as asked; or was left open, as asked.
        case complete
        /// Everything before was acknowledged; the stream was ended as failed, for this reason.
        case inputFailed(String)
        /// Someone else ended the stream.
        case ended(EventSource.End)
        case refused(String)
        case gone(String)
        case gaveUp(String)
    }

    enum Action: Equatable {
        case send(Request)
        /// Call ``timer(at:)`` then, unless something else happens before.
        case wait(until: Duration)
        case finish(Outcome)
        /// Something will happen: a response or input.
        case nothing
    }

    private enum Flight {
        case none
        case sent(Request)
        case retry(Request, at: Duration)
    }

    private let settings: Settings
    private var batcher: Batcher
    private var random: Random
    private var flight = Flight.none
    private var isCreated = false
    private var sequence = 0
    private var inputHasEnded = false
    /// How to end; changes when the input turns out to be bad.
    private var end: EventSource.End?
    private var inputFailure: String?
    private var outcome: Outcome?
    private var failures = 0
    private var failingSince: Duration?
    private var lastResponse = Duration.zero
    /// Bytes of input that the server has acknowledged.
    private(set) var acknowledgedBytes = 0
    /// Appends that the server has acknowledged.
    private(set) var acknowledgedAppends = 0

    init(settings: Settings, random: Random) {
        self.settings = settings
        self.random = random
        batcher = Batcher(kind: settings.contentType.kind)
        end = settings.end
    }

    /// Whether more input should be read now.
    var wantsInput: Bool {
        guard outcome == nil, !inputHasEnded else { return false }
        // Without anything whole to send, only more input can help.
        guard batcher.hasBatch || flightBytes > 0 else { return true }
        return batcher.pendingBytes + flightBytes < settings.maximumPendingBytes
    }

    /// The request in flight waits to be repeated.
    var isTroubled: Bool {
        if case .retry = flight { true } else { false }
    }

    private var flightBytes: Int {
        switch flight {
        case .none: 0
        case .sent(let request), .retry(let request, _): request.bodyBytes
        }
    }

    mutating func start(at now: Duration) -> Action {
        next(at: now)
    }

    mutating func received(_ bytes: [UInt8], at now: Duration) -> Action {
        guard !inputHasEnded else { return next(at: now) }
        do {
            try batcher.append(bytes)
        } catch {
            failInput("\(error)")
        }
        return next(at: now)
    }

    mutating func inputEnded(at now: Duration) -> Action {
        if !inputHasEnded {
            inputHasEnded = true
            batcher.finish()
        }
        return next(at: now)
    }

    /// The input broke off, or the user wants to stop: what is whole of it is still sent, and the stream ends as
    /// failed.
    mutating func inputBroke(_ reason: String, at now: Duration) -> Action {
        if !inputHasEnded { failInput(reason) }
        return next(at: now)
    }

    mutating func timer(at now: Duration) -> Action {
        next(at: now)
    }

    /// The request in flight was answered.
    mutating func answered(_ response: ServerResponse, at now: Duration) -> Action {
        guard case .sent(let request) = flight else { return next(at: now) }
        if case .question(let sequence, let refused) = request, let expected = response.expectedSequence {
            heard(at: now)
            if expected > sequence { acknowledged(refused.bytes) } else { self.refused(refused) }
            return next(at: now)
        }
        switch response.status {
        case 200, 201, 204:
            guard response.isFreshets else {
                flight = .none
                outcome = .refused(
                    "the server answered \(response.status) without Stream-Next-Offset: this is no Freshet server"
                )
                break
            }
            accepted(request, response, at: now)
        case 409 where request == .create && !response.isClosed && settings.acceptsAnyOpenStream:
            // Should its type be another, the first append is refused for that.
            accepted(request, response, at: now)
        case 400 where request.isAppend && !response.isClosed, 413 where request.isAppend, 422 where request.isAppend:
            let refused = RefusedAppend(bytes: request.bodyBytes, code: response.code, problem: response.problem)
            if failures == 0 {
                // Nothing of it was kept, for certain: this was its first answer.
                heard(at: now)
                self.refused(refused)
            } else {
                flight = .retry(.question(sequence: sequence, refused), at: now)
            }
        case 408, 425, 429, 500, 502...504, 506...599:
            retry(request, response.problem, atLeast: response.retryAfter ?? .zero, at: now)
        default:
            flight = .none
            if let end = response.end {
                outcome = .ended(end)
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
    mutating func failed(_ reason: String, at now: Duration) -> Action {
        if case .sent(let request) = flight { retry(request, reason, atLeast: .zero, at: now) }
        return next(at: now)
    }

    private mutating func accepted(_ request: Request, _ response: ServerResponse, at now: Duration) {
        heard(at: now)
        switch request {
        case .create:
            // A stream of that name and kind may be there already; an ended one takes nothing more.
            if let end = response.end { outcome = .ended(end) }
            isCreated = true
        case .append(_, let body): acknowledged(body.count)
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
        failures = 0
        failingSince = nil
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
            default: false
            }
        guard !isCut else { return }
        failInput(append.problem)
        batcher = Batcher(kind: settings.contentType.kind)
    }

    private mutating func retry(_ request: Request, _ reason: String, atLeast least: Duration, at now: Duration) {
        let since = failingSince ?? now
        failingSince = since
        guard now - since < settings.patience else {
            outcome = .gaveUp(reason)
            return
        }
        // Full jitter over a range that doubles; the first repetition comes soon, since it is most often a restart.
        let ceiling = min(settings.retryMaximum, settings.retryBase * (1 << min(failures, 10)))
        let milliseconds = ceiling.components.seconds * 1000 + ceiling.components.attoseconds / 1_000_000_000_000_000
        let delay = Duration.milliseconds(Int64.random(in: milliseconds / 5...max(1, milliseconds), using: &random))
        failures += 1
        // The last repetition is sent when the patience is over, however long the server asked to stay away.
        flight = .retry(request, at: min(now + max(least, delay), since + settings.patience))
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
        guard let lease = settings.leaseSeconds else { return .nothing }
        // A third leaves room for two repetitions. Sooner than that it is also a question: has someone cancelled?
        let renewal = lastResponse + min(.milliseconds(lease * 1000 / 3), Settings.longestSilence)
        return now >= renewal ? send(.renewLease) : .wait(until: renewal)
    }

    private mutating func send(_ request: Request) -> Action {
        flight = .sent(request)
        return .send(request)
    }
}
