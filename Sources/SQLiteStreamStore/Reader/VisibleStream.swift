import DequeModule
import StreamCore

/// One stream as readers may see it: what is committed, and no more. A value; the store's lock guards it.
struct VisibleStream {
    let number: Int64
    let name: StreamName
    let options: StreamOptions
    let birth: Offset
    let origin: Offset
    let forkedFrom: ForkOrigin?
    private(set) var leaseSeconds: Int?
    private(set) var floor: Offset
    private(set) var tail: Offset
    private(set) var end: StreamEnd?
    private(set) var events = 0
    private(set) var bytes = 0
    private(set) var usedAt: Int64 = 0
    private(set) var hasOpenProducer = false
    /// Everything up to here is in chunks, or trimmed; what follows is in memory.
    private(set) var sealedThrough: Offset
    private(set) var firstChunk: Int64 = 0
    private(set) var nextChunk: Int64 = 0
    private(set) var unsealed: Deque<StreamEvent> = []

    init(_ stream: WriterStream) {
        number = stream.row.number
        name = stream.row.name
        options = stream.row.options
        birth = stream.row.birth
        origin = stream.row.origin
        forkedFrom = stream.row.forkedFrom
        floor = stream.row.floor
        tail = stream.log.tail
        sealedThrough = stream.row.sealed.tail
        follow(stream)
    }

    /// Takes what the writer changed beside the events.
    mutating func follow(_ stream: WriterStream) {
        let row = stream.row
        leaseSeconds = row.leaseSeconds
        hasOpenProducer = row.hasOpenProducer
        floor = row.floor
        tail = stream.log.tail
        end = stream.log.end
        events = stream.log.appendedEvents - row.trimmedEvents
        bytes = stream.log.appendedBytes - row.trimmedBytes
        usedAt = max(row.touchedAt, stream.log.appendedAt)
        sealedThrough = row.sealed.tail
        firstChunk = row.firstChunk
        nextChunk = row.nextChunk
        while let first = unsealed.first, first.offset <= sealedThrough || first.offset <= floor {
            unsealed.removeFirst()
        }
    }

    mutating func append(_ events: [StreamEvent]) { unsealed.append(contentsOf: events) }

    var info: StreamInfo {
        var options = options
        options.leaseSeconds = leaseSeconds
        return StreamInfo(
            name: name,
            options: options,
            birth: birth,
            floor: floor,
            tail: tail,
            end: end,
            events: events,
            bytes: bytes,
            forkedFrom: forkedFrom
        )
    }

    /// How a read goes on from here.
    enum Plan {
        /// What is in memory is enough.
        case page(Page)
        /// It begins in a chunk.
        case chunks(ChunkRead)
    }

    func plan(_ position: ReadPosition, _ limit: PageLimit) -> Plan {
        switch position {
        case .now: return .page(page(.exact, [], last: tail))
        case .start: return plan(after: floor, floor == origin ? .exact : .belowFloor, limit)
        case .after(let offset):
            if offset == floor { return plan(after: floor, .exact, limit) }
            if let end, offset == end.offset { return .page(page(.exact, [], last: tail, isPastEnd: true)) }
            // Before the beginning there is nothing this stream gave, so nothing of it was lost there.
            if offset < origin { return plan(after: floor, .unknown, limit) }
            if offset < floor { return plan(after: floor, .belowFloor, limit) }
            if offset > tail { return plan(after: floor, .unknown, limit) }
            if offset < sealedThrough { return .chunks(read(after: offset, isAsked: true, .exact, limit)) }
            let isKnown =
                offset == sealedThrough || offset == tail
                || unsealed.first(where: { $0.offset >= offset })?.offset == offset
            return isKnown ? plan(after: offset, .exact, limit) : plan(after: floor, .unknown, limit)
        }
    }

    /// The plan for what follows an offset that is the floor or an event's.
    private func plan(after offset: Offset, _ standing: Page.Standing, _ limit: PageLimit) -> Plan {
        if offset < sealedThrough { return .chunks(read(after: offset, isAsked: false, standing, limit)) }
        var budget = limit.budget
        return .page(page(standing, budget.take(unsealed, after: offset), last: offset))
    }

    private func read(after: Offset, isAsked: Bool, _ standing: Page.Standing, _ limit: PageLimit) -> ChunkRead {
        ChunkRead(
            name: name,
            stream: number,
            chunks: firstChunk..<nextChunk,
            after: after,
            isAtFloor: after == floor,
            isAsked: isAsked,
            through: sealedThrough,
            standing: standing,
            limit: limit
        )
    }

    /// The page of events that were read from chunks, and what follows them in memory; nil when the log moved on
    /// meanwhile, so that the read must begin again.
    func page(_ read: ChunkRead, _ events: [StreamEvent]) -> Page? {
        guard floor <= read.after, let last = events.last?.offset else { return nil }
        var events = events
        if last == read.through {
            var budget = read.limit.budget
            _ = budget.take(events, after: read.after)
            // More was sealed meanwhile, and a page says where the log ends only if it has what is there.
            if !budget.isSpent, last < sealedThrough { return nil }
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
            floor: floor,
            tail: tail,
            end: last == tail ? end : nil,
            isPastEnd: isPastEnd,
            contentType: options.contentType
        )
    }
}
