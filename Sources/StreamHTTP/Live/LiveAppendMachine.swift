package import StreamCore

/// Decides what a live request does next: append what is whole, wait, or give its final answer.
///
/// One batch is in flight at a time; while it is, what arrives gathers into the next one. What was whole when the body
/// stopped, for whatever reason, is appended before the answer.
package struct LiveAppendMachine {
    private enum Body {
        case arriving
        case ended
        case torn
        case bad(PieceError)
    }

    package enum Action {
        case wait
        /// Append everything that is whole; with the end, in one step, when `closing`.
        case append(closing: Bool)
        case answer(LiveResult.Outcome)
        /// The connection is gone: there is nobody to answer.
        case giveUp
    }

    private let closes: Bool
    private var body = Body.arriving
    private var isInFlight = false
    private var isFinished = false
    private var isDraining = false
    private var stop: LiveStop?
    private var verdict: LiveResult.Outcome?

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

    package mutating func received(hasPieces: Bool) -> Action { next(hasPieces: hasPieces) }

    package mutating func bodyEnded(hasPieces: Bool) -> Action {
        if case .arriving = body { body = .ended }
        return next(hasPieces: hasPieces)
    }

    package mutating func bodyTorn(hasPieces: Bool) -> Action {
        switch body {
        // Even a request that is whole has nobody to answer once the connection is gone, but what it asked for stands.
        case .ended: break
        case .arriving, .torn, .bad: body = .torn
        }
        return next(hasPieces: hasPieces)
    }

    package mutating func badPiece(_ error: PieceError, hasPieces: Bool) -> Action {
        if case .arriving = body { body = .bad(error) }
        return next(hasPieces: hasPieces)
    }

    package mutating func stopped(_ stop: LiveStop, hasPieces: Bool) -> Action {
        self.stop = stop
        return next(hasPieces: hasPieces)
    }

    /// The server's deadline has come.
    package mutating func drained(hasPieces: Bool) -> Action {
        isDraining = true
        return next(hasPieces: hasPieces)
    }

    /// The batch in flight is decided; nil means the producer had lost its right before it was sent.
    package mutating func appended(_ result: Result<AppendOutcome?, StoreError>, hasPieces: Bool) -> Action {
        isInFlight = false
        switch result {
        case .success(.appended(_, let end, _)): if let end { verdict = .complete(end) }
        case .success(.ended(let end, _, _)): stop = stop ?? .ended(end)
        case .success(.notFound): stop = stop ?? .removed(.deleted)
        case .success(nil): break
        case .success(.some(let outcome)): verdict = .refused(outcome)
        case .failure(let error): verdict = .failed(error)
        }
        return next(hasPieces: hasPieces)
    }

    private mutating func next(hasPieces: Bool) -> Action {
        guard !isFinished, !isInFlight else { return .wait }
        if let verdict { return finish(.answer(verdict)) }
        if let stop { return finish(.answer(.stopped(stop))) }
        switch body {
        case .arriving where hasPieces: return append(closing: false)
        case .arriving: return isDraining ? finish(.answer(.draining)) : .wait
        case .ended where closes: return append(closing: true)
        case .ended: return hasPieces ? append(closing: false) : finish(.answer(.complete(nil)))
        case .torn: return hasPieces ? append(closing: false) : finish(.giveUp)
        case .bad(let error): return hasPieces ? append(closing: false) : finish(.answer(.badPiece(error)))
        }
    }

    private mutating func append(closing: Bool) -> Action {
        isInFlight = true
        return .append(closing: closing)
    }

    private mutating func finish(_ action: Action) -> Action {
        isFinished = true
        return action
    }
}
