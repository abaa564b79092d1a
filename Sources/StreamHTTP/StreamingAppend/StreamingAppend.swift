import NIOCore
import StreamCore

/// One streaming append on its connection: feeds the body to the cutter and carries out what the machine decides.
///
/// Bound to the connection's event loop.
@available(freshet 0.1, *)
final class StreamingAppend {
    /// Bytes that may wait for the store before the connection stops reading.
    static let backlogLimit = 256 * 1024

    private let plan: StreamingAppendPlan
    private let eventLoop: any EventLoop
    private let mostEvents: Int
    private var cutter: PieceCutter
    private var machine: StreamingAppendMachine
    private var pieces = EventBatch()
    private var producer: StreamingProducer?
    private var last: Offset?
    /// Bytes that came while a batch was on its way to the store, until a batch takes what is left of them. What came
    /// before is in the batch, or is the unfinished piece, which has a limit of its own.
    private var backlog = 0
    /// Bytes of the batch that is on its way.
    private var sent = 0
    /// A batch is on its way, as far as the loop has heard.
    private(set) var isAppending = false
    /// What happened to the body before the request was open, in order.
    private var early: [Early] = []
    private var isOver = false
    /// What it came to; nil where it is not over, and where there was nobody to answer.
    private(set) var outcome: StreamingAppendResult.Outcome?
    /// Nothing that comes from now on is appended.
    private var hasLostRight = false
    /// Bytes of the piece that is not whole, at most.
    private var unfinished = 0
    /// Told how many bytes are held.
    private let onHold: (Int) -> Void
    /// Told once, with the final response; nil when there is nobody to answer.
    private let onFinish: (Response?) -> Void
    /// Told when reading may go on.
    private let onResume: () -> Void

    init?(
        plan: StreamingAppendPlan,
        limits: PieceLimits,
        eventLoop: any EventLoop,
        onHold: @escaping (Int) -> Void,
        onResume: @escaping () -> Void,
        onFinish: @escaping (Response?) -> Void
    ) {
        guard let cutter = PieceCutter(kind: plan.contentType.kind, limits: limits) else { return nil }
        self.plan = plan
        self.eventLoop = eventLoop
        self.mostEvents = limits.bodyEvents
        self.cutter = cutter
        self.machine = StreamingAppendMachine(closes: plan.end != nil)
        self.onHold = onHold
        self.onResume = onResume
        self.onFinish = onFinish
    }

    /// Reading stops while the request is not open yet, and while the store is behind.
    var wantsMore: Bool { producer != nil && backlog < Self.backlogLimit }

    /// Opens the request; `accepted` is called when it was, before the body is wanted.
    func open(accepted: @escaping () -> Void) {
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        let eventLoop = eventLoop
        let open = plan.open
        let done = NIOLoopBound(accepted, eventLoop: eventLoop)
        eventLoop.immediately {
            await open { _ in
                eventLoop.execute { bound.value.stopped() }
            }
        } then: { result in
            bound.value.opened(result, accepted: done.value)
        }
    }

    private enum Early {
        case received(ByteBuffer)
        case ended
        case torn
        case lostRight(RightLoss)
    }

    func received(_ buffer: ByteBuffer) {
        guard !isOver, !hasLostRight else { return }
        guard producer != nil else { return early.append(.received(buffer)) }
        if isAppending { backlog += buffer.readableBytes }
        do throws(PieceError) {
            try feed(buffer)
            let had = pieces.count
            gather()
            // What is not whole has begun in this buffer, or in the one before it that brought nothing whole either.
            unfinished = cutter.isUnfinished ? (pieces.count > had ? 0 : unfinished) + buffer.readableBytes : 0
            act(machine.received(at: moment))
            noteHeld()
        } catch {
            gather()
            act(machine.badPiece(error, at: moment))
        }
    }

    func bodyEnded() {
        guard !isOver, !hasLostRight else { return }
        guard producer != nil else { return early.append(.ended) }
        do throws(PieceError) {
            try cutter.finish()
            gather()
            act(machine.bodyEnded(at: moment))
        } catch {
            gather()
            act(machine.badPiece(error, at: moment))
        }
    }

    func torn() {
        guard !isOver else { return }
        guard producer != nil else { return early.append(.torn) }
        gather()
        act(machine.bodyTorn(at: moment))
    }

    func drain() {
        guard !isOver else { return }
        gather()
        act(machine.drained(at: moment))
    }

    /// The right to append is gone. What was whole by now is kept.
    func loseRight(_ loss: RightLoss) {
        guard !isOver, !hasLostRight else { return }
        guard producer != nil else { return early.append(.lostRight(loss)) }
        hasLostRight = true
        gather()
        act(machine.lostRight(loss, at: moment))
    }

    /// There is not memory for all that is in flight, and this holds most of it.
    func giveWay() {
        guard !isOver else { return }
        gather()
        act(machine.gaveWay(at: moment))
    }

    private func opened(_ result: Result<StreamingProducer, Problem>, accepted: () -> Void) {
        switch result {
        case .success(let producer):
            if isOver {
                close(producer)
            } else {
                self.producer = producer
                last = producer.openedAt
                if producer.stop != nil { act(machine.stopped(at: moment)) }
                takeEarly()
                if !isOver { accepted() }
            }
        case .failure(let problem):
            guard !isOver else { return }
            isOver = true
            onFinish(Response(problem))
        }
    }

    private func takeEarly() {
        let events = early
        early = []
        for event in events {
            switch event {
            case .received(let buffer): received(buffer)
            case .ended: bodyEnded()
            case .torn: torn()
            case .lostRight(let loss): loseRight(loss)
            }
        }
    }

    /// Once the request is open: before that it is asked what holds when it is.
    private func stopped() {
        guard !isOver, producer != nil else { return }
        act(machine.stopped(at: moment))
    }

    private var moment: StreamingAppendMachine.Moment {
        StreamingAppendMachine.Moment(
            hasPieces: !pieces.isEmpty,
            fitsOneAppend: pieces.count <= mostEvents,
            stop: producer?.stop
        )
    }

    private func feed(_ buffer: ByteBuffer) throws(PieceError) {
        let result: Result<Void, PieceError> = buffer.withUnsafeReadableBytes { bytes in
            do throws(PieceError) {
                return .success(try cutter.feed(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func noteHeld() {
        if !isOver { onHold(unfinished + pieces.size + (isAppending ? sent : 0)) }
    }

    private func gather() { pieces.append(contentsOf: cutter.takePieces()) }

    private func act(_ action: StreamingAppendMachine.Action) {
        // Until the request is open there is nothing to append to; `opened` asks again.
        switch action {
        case .wait: break
        case .append(let closing): append(closing: closing)
        case .confirm: confirm()
        case .respond(let outcome):
            self.outcome = outcome
            finish(plan.response(StreamingAppendResult(outcome: outcome, last: last)))
        case .giveUp: finish(nil)
        }
    }

    private func append(closing: Bool) {
        guard let producer else { preconditionFailure("a streaming append appends only after it was opened") }
        let batch: EventBatch
        if pieces.count <= mostEvents {
            batch = pieces
            pieces = EventBatch()
            backlog = 0
        } else {
            batch = pieces.prefix(mostEvents).compacted
            pieces = pieces.dropFirst(mostEvents)
        }
        let hasMore = !pieces.isEmpty
        sent = batch.size
        isAppending = true
        let end = closing ? plan.end : nil
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.immediately { () -> Result<AppendOutcome?, StoreError> in
            do throws(StoreError) {
                return .success(try await producer.append(batch, end: end))
            } catch {
                return .failure(error)
            }
        } then: { result in
            // Where there is more, the loop's other connections have their turn before it.
            if hasMore {
                bound.eventLoop.execute { bound.value.appended(result) }
            } else {
                bound.value.appended(result)
            }
        }
    }

    private func appended(_ result: Result<AppendOutcome?, StoreError>) {
        let wasFull = backlog >= Self.backlogLimit
        isAppending = false
        if pieces.isEmpty { backlog = 0 }
        if case .success(.appended(let tail, _, _)) = result { last = tail }
        gather()
        act(machine.appended(result, at: moment))
        noteHeld()
        if wasFull, wantsMore, !isOver { onResume() }
    }

    private func confirm() {
        guard let producer else { preconditionFailure("a streaming append is confirmed only after it was opened") }
        let bound = NIOLoopBound(self, eventLoop: eventLoop)
        eventLoop.immediately { () -> Result<Void, StoreError> in
            do throws(StoreError) {
                return .success(try await producer.confirm())
            } catch {
                return .failure(error)
            }
        } then: { result in
            bound.value.confirmed(result)
        }
    }

    private func confirmed(_ result: Result<Void, StoreError>) { act(machine.confirmed(result, at: moment)) }

    private func finish(_ response: Response?) {
        isOver = true
        onHold(0)
        if let producer { close(producer) }
        // It holds this request, to tell it of a stop.
        producer = nil
        onFinish(response)
    }

    private func close(_ producer: StreamingProducer) {
        let isTorn = machine.isTorn
        Task.beginning { await producer.finish(isTorn: isTorn) }
    }
}
