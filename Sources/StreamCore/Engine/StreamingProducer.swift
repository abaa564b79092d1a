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
    /// An end or a removal that was acknowledged to anybody is here already: the store tells its watchers first. What
    /// `onStop` was called for may be later.
    package var stop: ProducerStop? { state.withLock(\.stop) }

    /// The store remembers, beyond the process, that this request is open.
    var isKept: Bool { state.withLock(\.isKept) }

    func noteKept() { state.withLock { $0.isKept = true } }

    /// Appends the next pieces, and the end where it comes with them. One call at a time.
    ///
    /// Nil when the request was stopped before: `stop` says why.
    package func append(_ events: EventBatch, end: EndRequest? = nil) async throws(StoreError) -> AppendOutcome? {
        let (mayAppend, birth) = state.withLock { state in
            precondition(!state.isAppending, "a streaming producer appends one batch at a time")
            if state.stop == .superseded || state.isGone || state.isFinished { return (false, state.birth) }
            state.isAppending = true
            return (true, state.birth)
        }
        guard mayAppend else { return nil }
        defer { becomeIdle() }
        return try await streams.append(name, AppendRequest(to: birth, events: events, end: end))
    }

    /// Returns when the store has what was appended: asked before it is acknowledged, where nothing is left to append.
    /// After that `stop` is what the store has decided by then.
    package func confirm() async throws(StoreError) {
        try await streams.store.confirm()
        let (mayHaveMissed, birth) = state.withLock { ($0.mayHaveMissed, $0.birth) }
        guard mayHaveMissed else { return }
        guard let info = try await streams.store.info(name), info.birth == birth else {
            return note(.removed(.deleted))
        }
        if let end = info.end { note(.ended(end)) }
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
        case .removed(let removal):
            state.withLock { $0.isGone = true }
            note(.removed(removal))
        default: break
        }
    }

    /// Tells of the stop, here and not in `signal`, which is called under locks.
    package func wake() {
        let stop = state.withLock { state -> ProducerStop? in
            guard let stop = state.stop, !state.hasToldStop, !state.isFinished else { return nil }
            state.hasToldStop = true
            return stop
        }
        if let stop { onStop(stop) }
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

    /// The stream had ended before the request was accepted, or another took over.
    func stop(because stop: ProducerStop) {
        note(stop)
        wake()
    }

    private func note(_ stop: ProducerStop) {
        state.withLock { state in
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
