import StreamCore

/// One stream as readers may see it: what is committed, and no more. A value; the store's lock guards it.
@available(freshet 0.1, *)
struct VisibleStream {
    private(set) var state: StreamState
    private var unsealed: EventLog

    init(_ stream: WriterStream, unsealed: EventLog = EventLog()) {
        state = stream.committed
        self.unsealed = unsealed
    }

    /// Takes what the writer committed beside the events.
    mutating func follow(_ stream: WriterStream) {
        state.follow(stream.row, stream.log)
        unsealed.remove(through: max(state.sealedThrough, state.floor))
    }

    /// When they were kept is the writer's to know.
    mutating func append(_ events: EventRun) { unsealed.append(events, at: 0) }

    /// How a read goes on from here.
    enum Plan {
        /// What is in memory is enough.
        case page(Page)
        /// It begins in a chunk.
        case chunks(ChunkRead)
    }

    func plan(_ position: ReadPosition, _ limit: PageLimit) -> Plan {
        switch position {
        case .now: return .page(page(.exact, [], last: state.tail))
        case .start: return plan(after: state.floor, state.floor == state.origin ? .exact : .belowFloor, limit)
        case .after(let offset):
            if offset == state.floor { return plan(after: state.floor, .exact, limit) }
            if let end = state.end, offset == end.offset {
                return .page(page(.exact, [], last: state.tail, isPastEnd: true))
            }
            // Before the beginning there is nothing this stream gave, so nothing of it was lost there.
            if offset < state.origin { return plan(after: state.floor, .unknown, limit) }
            if offset < state.floor { return plan(after: state.floor, .belowFloor, limit) }
            if offset > state.tail { return plan(after: state.floor, .unknown, limit) }
            if offset < state.sealedThrough { return .chunks(read(after: offset, isAsked: true, .exact, limit)) }
            let isKnown =
                offset == state.sealedThrough || offset == state.tail
                || unsealed.contains(offset)
            return isKnown ? plan(after: offset, .exact, limit) : plan(after: state.floor, .unknown, limit)
        }
    }

    /// The plan for what follows an offset that is the floor or an event's.
    private func plan(after offset: Offset, _ standing: Page.Standing, _ limit: PageLimit) -> Plan {
        if offset < state.sealedThrough { return .chunks(read(after: offset, isAsked: false, standing, limit)) }
        var budget = limit.budget
        return .page(page(standing, budget.take(unsealed, after: offset), last: offset))
    }

    private func read(after: Offset, isAsked: Bool, _ standing: Page.Standing, _ limit: PageLimit) -> ChunkRead {
        ChunkRead(
            name: state.name,
            stream: state.number,
            chunks: state.firstChunk..<state.nextChunk,
            after: after,
            isAtFloor: after == state.floor,
            isAsked: isAsked,
            through: state.sealedThrough,
            standing: standing,
            limit: limit
        )
    }

    /// The page of events that were read from chunks, and what follows them in memory; nil when the log moved on
    /// meanwhile, so that the read must begin again.
    func page(_ read: ChunkRead, _ events: [StreamEvent]) -> Page? {
        guard state.floor <= read.after, let last = events.last?.offset else { return nil }
        var events = events
        if last == read.through {
            var budget = read.limit.budget
            _ = budget.take(events)
            // More was sealed meanwhile, and a page says where the log ends only if it has what is there.
            if !budget.isSpent, last < state.sealedThrough { return nil }
            events += budget.take(unsealed, after: last)
        }
        return page(read.standing, events, last: read.after)
    }

    private func page(
        _ standing: Page.Standing,
        _ events: [StreamEvent],
        last: Offset,
        isPastEnd: Bool = false
    ) -> Page {
        let last = events.last?.offset ?? last
        return Page(
            standing: standing,
            events: events,
            last: last,
            floor: state.floor,
            tail: state.tail,
            end: last == state.tail ? state.end : nil,
            isPastEnd: isPastEnd,
            contentType: state.options.contentType
        )
    }
}
