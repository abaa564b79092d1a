import Locks

/// Why a streaming append can append no more.
@available(freshet 0.1, *)
package enum ProducerStop: Sendable, Equatable {
    /// The stream ended, by whoever ended it.
    case ended(StreamEnd)
    case removed(Removal)
    /// A newer streaming append of the same name took over.
    case superseded
}

/// One open request that appends while it arrives.
///
/// While it is open the stream's lease does not run and the stream does not expire. It learns at once when the stream
/// ends, wherever that was decided.
@available(freshet 0.1, *)
package final class StreamingProducer: TailListener {
    private struct State {
        var stop: ProducerStop?
        /// The store has told that it tells what happens to the stream.
        var isFollowing = false
        /// It may not have told of something that happened since the stream was looked at.
        var mayHaveMissed = true
        var birth: Offset?
        var openedAt: Offset?
        /// Where the store is shared: what the appends state.
        var claim: StreamClaim?
        /// Claims that were lost while this one was being made, which may be among them.
        var lost: [StreamClaim] = []
        /// The number of the next append that may be tried again; nil when there is none any more.
        var nextNumber: UInt64? = 0
        /// Whether `onStop` was called, or never will be.
        var hasToldStop = false
        /// The stream was removed; one made anew under its name is not this request's.
        var isGone = false
        var isAppending = false
        var isFinished = false
        var isKept = false
        var whenIdle: [CheckedContinuation<Void, Never>] = []
    }

    package let name: StreamName
    /// What the request calls itself (`Stream-Producer`).
    package let label: String?
    /// The tail of the stream when the request was opened.
    package var openedAt: Offset? { state.withLock(\.openedAt) }
    private let state = Mutex(State())
    private let streams: Streams
    private let onStop: @Sendable (ProducerStop) -> Void

    init(name: StreamName, label: String?, streams: Streams, onStop: @escaping @Sendable (ProducerStop) -> Void) {
        self.name = name
        self.label = label
        self.streams = streams
        self.onStop = onStop
    }

    /// Why it was stopped, if it was.
    ///
    /// An end or a removal that was acknowledged to anybody is here already: the store tells its watchers first. Where
    /// the store is shared, that holds for what was acknowledged to this request. What `onStop` was called for may be later.
    package var stop: ProducerStop? { state.withLock(\.stop) }

    /// The store remembers, beyond the process, that this request is open.
    var isKept: Bool { state.withLock(\.isKept) }

    func noteKept() { state.withLock { $0.isKept = true } }

    /// Appends the next pieces, and the end where it comes with them. One call at a time.
    ///
    /// Nil when the request was stopped before: `stop` says why.
    package func append(_ events: EventBatch, end: EndRequest? = nil) async throws(StoreError) -> AppendOutcome? {
        guard let (birth, claim) = beginAppending() else { return nil }
        defer { becomeIdle() }
        let request = AppendRequest(to: birth, events: events, end: end, claim: claim)
        let outcome = try await streams.append(name, request)
        return claim == nil ? outcome : heard(outcome)
    }

    /// The same for who can wait. While a store that is shared cannot be reached, and while nobody knows what became of
    /// the append, it is tried again, and kept once. Another store is asked once.
    ///
    /// - Parameter patience: how long it is tried.
    package func append(
        _ events: EventBatch,
        end: EndRequest? = nil,
        patience: Duration,
        on clock: any Clock<Duration>
    ) async throws(StoreError) -> AppendOutcome? {
        guard let (birth, claim) = beginAppending() else { return nil }
        defer { becomeIdle() }
        var request = AppendRequest(to: birth, events: events, end: end, claim: claim)
        guard let claim else { return try await streams.append(name, request) }
        request.producer = state.withLock(\.nextNumber).map { ProducerStamp(id: claim.text, epoch: 0, sequence: $0) }
        do throws(StoreError) {
            let isNumbered = request.producer != nil
            let outcome = try await streams.persisting(for: patience, isRepeatable: isNumbered, on: clock) {
                [request] () throws(StoreError) -> AppendOutcome in
                try await streams.append(name, request)
            }
            switch outcome {
            case .appended: state.withLock { if isNumbered { $0.nextNumber? += 1 } }
            case .duplicate(let tail, let end, _):
                state.withLock { $0.nextNumber? += 1 }
                return heard(.appended(tail: tail, end: end, producer: nil))
            default: break
            }
            return heard(outcome)
        } catch {
            // What may be kept all the same is not to be taken for what comes next.
            state.withLock { $0.nextNumber = nil }
            throw error
        }
    }

    private func beginAppending() -> (birth: Offset?, claim: StreamClaim?)? {
        state.withLock { state in
            precondition(!state.isAppending, "a streaming producer appends one batch at a time")
            if state.stop == .superseded || state.isGone || state.isFinished { return nil }
            state.isAppending = true
            return (state.birth, state.claim)
        }
    }

    /// What an append to a shared store came to, as the caller is told. Of the end the store may tell later.
    private func heard(_ outcome: AppendOutcome) -> AppendOutcome? {
        switch outcome {
        case .superseded:
            stop(because: .superseded)
            return nil
        case .ended(let end, _, _): stop(because: .ended(end))
        case .appended(_, let end?, _): stop(because: .ended(end))
        default: break
        }
        return outcome
    }

    /// Returns when the store has what was appended: asked before it is acknowledged, where nothing is left to append.
    /// After that `stop` is what the store has decided by then.
    package func confirm() async throws(StoreError) {
        try await streams.store.confirm()
        let (mayHaveMissed, birth, claim) = state.withLock { ($0.mayHaveMissed, $0.birth, $0.claim) }
        if let claim { return try await ask(claim, birth) }
        guard mayHaveMissed else { return }
        guard let info = try await streams.store.info(name), info.birth == birth else {
            return note(.removed(.deleted))
        }
        if let end = info.end { note(.ended(end)) }
    }

    /// Asks the store whether the request may still append.
    private func ask(_ claim: StreamClaim, _ birth: Offset?) async throws(StoreError) {
        var request = AppendRequest(to: birth, claim: claim)
        request.isWithheld = true
        switch try await streams.store.append(name, request) {
        case .ended(let end, _, _): note(.ended(end))
        case .superseded: note(.superseded)
        case .notFound: note(.removed(.deleted))
        default: break
        }
    }

    /// The request is over. `isTorn` when it did not end as HTTP says a body ends. Waits for an append on its way.
    package func finish(isTorn: Bool) async {
        let isFirst = state.withLock { state in
            defer { state.isFinished = true }
            return !state.isFinished
        }
        guard isFirst else { return }
        await untilIdle()
        await streams.closeProducer(self, isTorn: isTorn)
    }

    package func signal(_ signal: StreamSignal, of name: StreamName) {
        switch signal {
        case .ready: state.withLock { $0.isFollowing = true }
        case .broken: state.withLock { ($0.isFollowing, $0.mayHaveMissed) = (false, true) }
        case .committed(let item): if let end = item.end { note(.ended(end)) }
        case .removed(let removal): note(.removed(removal))
        case .superseded(let claim):
            let isOwn = state.withLock { state in
                if state.claim == nil, state.stop == nil { state.lost.append(claim) }
                return state.claim == claim
            }
            if isOwn { note(.superseded) }
        default: break
        }
    }

    /// Tells of the stop, here and not in `signal`, which is called under locks.
    package func wake() {
        let (stop, claim, birth) = state.withLock { state -> (ProducerStop?, StreamClaim?, Offset?) in
            guard !state.isFinished else { return (nil, nil, nil) }
            if let stop = state.stop {
                defer { state.hasToldStop = true }
                return (state.hasToldStop ? nil : stop, nil, nil)
            }
            // What happened before the store followed the stream was told to nobody.
            guard let claim = state.claim, state.isFollowing, state.mayHaveMissed else { return (nil, nil, nil) }
            state.mayHaveMissed = false
            return (nil, claim, state.birth)
        }
        if let stop { onStop(stop) }
        guard let claim else { return }
        Task {
            do throws(StoreError) {
                try await streams.persisting(for: .seconds(60), on: ContinuousClock()) { () throws(StoreError) in
                    try await ask(claim, birth)
                }
                wake()
            } catch {
                // Asked again with whatever the store tells next: at the latest that it follows the stream once more.
                state.withLock { $0.mayHaveMissed = true }
            }
        }
    }

    /// Takes the right to append away, and returns when the append that was on its way, if any, is decided.
    func supersede() async {
        stop(because: .superseded)
        await untilIdle()
    }

    /// The stream is looked at next. This request may share a watch that another follower, on another thread, has made
    /// and has yet to begin: what happens before that is told to nobody.
    func willLook() { state.withLock { $0.mayHaveMissed = !$0.isFollowing } }

    func opened(_ info: StreamInfo) {
        state.withLock { state in
            state.birth = info.birth
            state.openedAt = info.tail
        }
    }

    /// The claim of the request, where the store is shared.
    var claim: StreamClaim? { state.withLock(\.claim) }

    /// From now on the appends state the claim.
    func claimed(_ claim: StreamClaim) {
        let isLost = state.withLock { state in
            state.claim = claim
            defer { state.lost = [] }
            return state.lost.contains(claim)
        }
        if isLost { note(.superseded) }
        wake()
    }

    /// The stream had ended before the request was accepted, or another took over.
    func stop(because stop: ProducerStop) {
        note(stop)
        wake()
    }

    private func note(_ stop: ProducerStop) {
        state.withLock { state in
            if case .removed = stop { state.isGone = true }
            guard state.stop == nil, !state.isFinished else { return }
            state.stop = stop
        }
    }

    private func untilIdle() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isAppending { state.whenIdle.append(continuation) }
                return !state.isAppending
            }
            if isIdle { continuation.resume() }
        }
    }

    private func becomeIdle() {
        let waiting = state.withLock { state in
            state.isAppending = false
            defer { state.whenIdle = [] }
            return state.whenIdle
        }
        for continuation in waiting { continuation.resume() }
    }
}
