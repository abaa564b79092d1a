package import StreamCore

/// Decides what a streaming append does next: append what is whole, wait, or give its final response.
///
/// One batch is in flight at a time; while it is, what arrives gathers into the next one. What was whole when the body
/// stopped, for whatever reason, is appended before the response. Every decision is made by what the store has decided
/// by then, which the event loop may not have heard yet: whoever was told that the stream ended before the body did
/// will find that its producer was told so. And the response to a body is the only acknowledgement of it: where its end
/// brings nothing to append, the store is asked all the same.
@available(freshet 0.1, *)
package struct StreamingAppendMachine {
    /// What holds when something is to be decided.
    package struct Moment {
        /// Pieces are whole and wait to be appended.
        package var hasPieces: Bool
        /// They are few enough for one append.
        package var fitsOneAppend: Bool
        /// Why the request can append no more, in the store's order.
        package var stop: ProducerStop?

        package init(hasPieces: Bool, fitsOneAppend: Bool = true, stop: ProducerStop?) {
            self.hasPieces = hasPieces
            self.fitsOneAppend = fitsOneAppend
            self.stop = stop
        }
    }

    private enum Body {
        case arriving
        case ended
        case torn
        case bad(PieceError)
    }

    package enum Action {
        case wait
        /// Append what is whole, as much of it as one append takes; with the end, in one step, when `closing`.
        case append(closing: Bool)
        /// Ask the store whether it has what was appended: it may have lost it since.
        case confirm
        case respond(StreamingAppendResult.Outcome)
        /// The connection is gone: there is nobody to answer.
        case giveUp
    }

    private let closes: Bool
    private var body = Body.arriving
    private var isInFlight = false
    /// The body has ended, and the store was asked since: by an append, or apart from any.
    private var isConfirmed = false
    private var isFinished = false
    private var isDraining = false
    private var isGivingWay = false
    private var loss: RightLoss?
    /// What an append came to that found the stream ended or gone.
    private var refusal: ProducerStop?
    private var verdict: StreamingAppendResult.Outcome?

    /// - Parameter closes: the request carries `Stream-Closed: true`.
    package init(closes: Bool) {
        self.closes = closes
    }

    /// Whether the request ended in a way that leaves its stream without a producer that said so.
    package var isTorn: Bool {
        switch body {
        case .ended: false
        case .arriving, .torn, .bad: true
        }
    }

    package mutating func received(at moment: Moment) -> Action { next(at: moment) }

    package mutating func bodyEnded(at moment: Moment) -> Action {
        if case .arriving = body { body = .ended }
        return next(at: moment)
    }

    package mutating func bodyTorn(at moment: Moment) -> Action {
        switch body {
        // Even a request that is whole has nobody to answer once the connection is gone, but what it asked for stands.
        case .ended: break
        case .arriving, .torn, .bad: body = .torn
        }
        return next(at: moment)
    }

    package mutating func badPiece(_ error: PieceError, at moment: Moment) -> Action {
        if case .arriving = body { body = .bad(error) }
        return next(at: moment)
    }

    /// The loop has heard that the request can append no more.
    package mutating func stopped(at moment: Moment) -> Action { next(at: moment) }

    /// The server's deadline has come.
    package mutating func drained(at moment: Moment) -> Action {
        isDraining = true
        return next(at: moment)
    }

    /// The right to append is gone. A body that was whole by then is decided as any.
    package mutating func lostRight(_ loss: RightLoss, at moment: Moment) -> Action {
        self.loss = loss
        return next(at: moment)
    }

    /// There is not memory for what has arrived.
    package mutating func gaveWay(at moment: Moment) -> Action {
        isGivingWay = true
        return next(at: moment)
    }

    /// The batch in flight is decided; nil means the producer had lost its right before it was sent.
    package mutating func appended(_ result: Result<AppendOutcome?, StoreError>, at moment: Moment) -> Action {
        isInFlight = false
        switch result {
        case .success(.appended(_, let end, _)): if let end { verdict = .complete(end) }
        case .success(.ended(let end, _, _)): refusal = .ended(end)
        case .success(.notFound): refusal = .removed(.deleted)
        case .success(nil): break
        case .success(.some(let outcome)): verdict = .refused(outcome)
        case .failure(let error): verdict = .failed(error)
        }
        return next(at: moment)
    }

    /// The store has answered whether it has what was appended.
    package mutating func confirmed(_ result: Result<Void, StoreError>, at moment: Moment) -> Action {
        isInFlight = false
        if case .failure(let error) = result { verdict = .failed(error) }
        return next(at: moment)
    }

    private mutating func next(at moment: Moment) -> Action {
        guard !isFinished, !isInFlight else { return .wait }
        if let verdict { return finish(.respond(verdict)) }
        if let stop = moment.stop ?? refusal { return finish(.respond(.stopped(stop))) }
        switch body {
        case .arriving where moment.hasPieces: return append(closing: false)
        case .arriving where isGivingWay: return finish(.respond(.overloaded))
        case .arriving:
            if let loss { return finish(.respond(.lostRight(loss))) }
            return isDraining ? finish(.respond(.draining)) : .wait
        case .ended where closes && moment.fitsOneAppend: return append(closing: true)
        case .ended where moment.hasPieces: return append(closing: false)
        case .ended: return isConfirmed ? finish(.respond(.complete(nil))) : confirm()
        case .torn: return moment.hasPieces ? append(closing: false) : finish(.giveUp)
        case .bad(let error): return moment.hasPieces ? append(closing: false) : finish(.respond(.badPiece(error)))
        }
    }

    private mutating func append(closing: Bool) -> Action {
        isInFlight = true
        if case .ended = body { isConfirmed = true }
        return .append(closing: closing)
    }

    private mutating func confirm() -> Action {
        isInFlight = true
        isConfirmed = true
        return .confirm
    }

    private mutating func finish(_ action: Action) -> Action {
        isFinished = true
        return action
    }
}
