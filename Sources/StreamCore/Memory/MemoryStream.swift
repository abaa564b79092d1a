import DequeModule

/// One stream of the memory store: the log, and what is remembered beside it. A value; the store's lock guards it.
struct MemoryStream {
    struct Kept {
        var event: StreamEvent
        /// When it was kept, on the monotonic clock, in milliseconds: retention by age counts from here.
        var at: Int64
    }

    let options: StreamOptions
    let birth: Offset
    /// Where the stream begins: its birth; for a fork where its source begins, since they share their offsets.
    let origin: Offset
    let forkedFrom: ForkOrigin?
    /// How many forks of it there are.
    var forks = 0
    /// It stands in the queue of those that retention trims by age.
    var isQueuedToTrim = false
    private(set) var floor: Offset
    private(set) var log: Deque<Kept> = []
    private(set) var bytes = 0
    private(set) var end: StreamEnd?
    private(set) var endedAt: Int64 = 0
    private(set) var closingStamp: ProducerStamp?
    private(set) var producers: [String: ProducerState] = [:]
    private(set) var sequence: String?
    var leaseSeconds: Int?

    init(options: StreamOptions, birth: Offset) {
        self.options = options
        self.birth = birth
        self.origin = birth
        self.forkedFrom = nil
        self.floor = birth
        self.leaseSeconds = options.leaseSeconds
    }

    private init(
        _ options: StreamOptions,
        birth: Offset,
        from origin: ForkOrigin,
        sharing log: Deque<Kept>,
        of source: Self
    ) {
        self.options = options
        self.birth = birth
        self.origin = source.origin
        self.forkedFrom = origin
        self.floor = source.floor
        self.log = log
        self.bytes = log.reduce(0) { $0 + $1.event.body.size }
        self.leaseSeconds = options.leaseSeconds
    }

    /// A fork of this stream. Of what the producers said nothing goes with it (section 4.2 of the protocol).
    ///
    /// - Parameter mint: makes the fork's birth, and the offset of an event that was cut.
    func fork(
        _ request: ForkRequest,
        options: StreamOptions,
        at now: Int64,
        mint: () -> Offset
    ) throws(ForkFailure) -> Self {
        let forking = ForkStanding(options: self.options, floor: floor, tail: tail, end: end)
        let options = forking.options(options, for: request)
        if let refusal = forking.refusal(of: request, with: options) { throw ForkFailure(refusal) }
        let (standing, index, _) = locate(request.point)
        if let refusal = forking.refusal(of: request, at: standing) { throw ForkFailure(refusal) }
        guard
            let cut = ForkCut(
                log[index...].lazy.map(\.event),
                beyond: request.beyond,
                kind: self.options.contentType.kind
            )
        else { throw ForkFailure(.badSubOffset) }
        let memory = forking.origin(of: request)
        var fork = Self(options, birth: mint(), from: memory, sharing: Deque(log.prefix(index + cut.whole)), of: self)
        if let part = cut.part { _ = fork.keep(AppendRequest(events: [part]), at: now, mint: mint) }
        return fork
    }

    var tail: Offset { log.last?.event.offset ?? floor }

    /// What the stream counts against the store's bound.
    var cost: Int {
        StoreLimits.cost(events: log.count, bytes: bytes, producers: producers.count)
    }

    func info(_ name: StreamName) -> StreamInfo {
        var options = options
        options.leaseSeconds = leaseSeconds
        return StreamInfo(
            name: name,
            options: options,
            birth: birth,
            floor: floor,
            tail: tail,
            end: end,
            events: log.count,
            bytes: bytes,
            forkedFrom: forkedFrom
        )
    }

    /// What an append would come to, before anything is changed; nil when it may go ahead.
    func refusal(of request: AppendRequest) -> AppendOutcome? {
        let standing = AppendStanding(
            contentType: options.contentType,
            tail: tail,
            end: end,
            closingStamp: closingStamp,
            producer: request.producer.flatMap { producers[$0.id] },
            sequence: sequence
        )
        return standing.refusal(of: request)
    }

    /// Keeps what `refusal` let through.
    mutating func keep(_ request: AppendRequest, at now: Int64, mint: () -> Offset) -> CommittedItem {
        let previous = tail
        var events: [StreamEvent] = []
        events.reserveCapacity(request.events.count)
        for body in request.events {
            let event = StreamEvent(offset: mint(), body: body)
            events.append(event)
            log.append(Kept(event: event, at: now))
            bytes += body.size
        }
        if let stamp = request.producer {
            producers[stamp.id] = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
        }
        if let next = request.sequence { sequence = next }
        if let wish = request.end {
            end = StreamEnd(reason: wish.reason, detail: wish.detail, offset: mint())
            endedAt = now
            closingStamp = request.producer
        }
        return CommittedItem(previous: previous, events: events, end: end)
    }

    /// Takes from the start what retention no longer keeps. True when something was taken.
    mutating func trim(at now: Int64) -> Bool {
        let before = floor
        while let first = log.first, isOver(first, events: log.count, bytes: bytes, at: now) {
            bytes -= first.event.body.size
            floor = first.event.offset
            log.removeFirst()
        }
        return floor != before
    }

    /// When retention takes its first event for its age; nil when it takes none.
    var trimmedByAgeAt: Int64? {
        guard let seconds = options.retention.seconds, let first = log.first else { return nil }
        return first.at + Int64(seconds) * 1000
    }

    /// What retention would give back of what is kept now, if these events came.
    func costTaken(byKeeping new: [EventBody], at now: Int64) -> Int {
        var events = log.count + new.count
        var bytes = new.reduce(bytes) { $0 + $1.size }
        var cost = 0
        for kept in log {
            guard isOver(kept, events: events, bytes: bytes, at: now) else { break }
            events -= 1
            bytes -= kept.event.body.size
            cost += kept.event.body.size + StoreLimits.eventOverhead
        }
        return cost
    }

    /// Whether retention takes the first of so many events and bytes.
    private func isOver(_ first: Kept, events: Int, bytes: Int, at now: Int64) -> Bool {
        let rule = options.retention
        return rule.events.map { events > $0 } ?? false || rule.bytes.map { bytes > $0 } ?? false
            || rule.seconds.map { (now - first.at) / 1000 >= Int64($0) } ?? false
    }

    func page(from position: ReadPosition, limit: PageLimit) -> Page {
        let (standing, index, isPastEnd) = locate(position)
        var events: [StreamEvent] = []
        var size = 0
        var next = index
        while next < log.count, events.count < limit.events {
            let event = log[next].event
            size += event.body.size
            if size > limit.bytes, !events.isEmpty { break }
            events.append(event)
            next += 1
        }
        let last = events.last?.offset ?? (index == 0 ? floor : log[index - 1].event.offset)
        return Page(
            standing: standing,
            events: events,
            last: last,
            floor: floor,
            tail: tail,
            end: next == log.count ? end : nil,
            isPastEnd: isPastEnd,
            contentType: options.contentType
        )
    }

    /// Where in the log a position is: its standing, and the index of the event that follows.
    private func locate(_ position: ReadPosition) -> (Page.Standing, Int, isPastEnd: Bool) {
        switch position {
        case .now: return (.exact, log.count, false)
        case .start: return (floor == origin ? .exact : .belowFloor, 0, false)
        case .after(let offset):
            if offset == floor { return (.exact, 0, false) }
            if let end, offset == end.offset { return (.exact, log.count, true) }
            // Before the beginning there is nothing this stream gave, so nothing of it was lost there.
            if offset < origin { return (.unknown, 0, false) }
            if offset < floor { return (.belowFloor, 0, false) }
            let index = firstIndex(after: offset)
            guard index > 0, log[index - 1].event.offset == offset else { return (.unknown, 0, false) }
            return (.exact, index, false)
        }
    }

    private func firstIndex(after offset: Offset) -> Int {
        var low = 0
        var high = log.count
        while low < high {
            let middle = (low + high) / 2
            if log[middle].event.offset <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
