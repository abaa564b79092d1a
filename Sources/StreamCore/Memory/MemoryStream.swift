/// One stream of the memory store: the log, and what is remembered beside it. A value; the store's lock guards it.
@available(freshet 0.1, *)
struct MemoryStream {
    let options: StreamOptions
    let birth: Offset
    /// Where the stream begins: its birth; for a fork where its source begins, since they share their offsets.
    let origin: Offset
    let forkedFrom: ForkOrigin?
    /// How many forks of it there are.
    var forks = 0
    /// It stands in the queue of those that retention trims by age.
    private var isQueuedToTrim = false
    private(set) var floor: Offset
    /// When an event was kept is on the monotonic clock, in milliseconds: retention by age counts from there.
    private(set) var log = EventLog()
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
        sharing log: EventLog,
        of source: Self
    ) {
        self.options = options
        self.birth = birth
        self.origin = source.origin
        self.forkedFrom = origin
        self.floor = source.floor
        self.log = log
        self.leaseSeconds = options.leaseSeconds
    }

    /// A fork of this stream. Of what the producers said nothing goes with it (section 4.2 of the protocol).
    ///
    /// - Parameter mint: makes the fork's birth, and the offset of an event that was cut.
    func fork(
        _ request: ForkRequest,
        options: StreamOptions,
        at now: Int64,
        mint: (Int) -> Offset
    ) throws(ForkFailure) -> Self {
        let forking = ForkStanding(options: self.options, floor: floor, tail: tail, end: end)
        let options = forking.options(options, for: request)
        if let refusal = forking.refusal(of: request, with: options) { throw ForkFailure(refusal) }
        let (standing, point, _) = locate(request.point)
        if let refusal = forking.refusal(of: request, at: standing) { throw ForkFailure(refusal) }
        guard
            let cut = ForkCut(
                log.events(after: point).lazy.map(\.event),
                beyond: request.beyond,
                kind: self.options.contentType.kind
            )
        else { throw ForkFailure(.badSubOffset) }
        let memory = forking.origin(of: request)
        // The last event that is shared as a whole.
        let last =
            cut.whole == 0 ? point : log.events(after: point).dropFirst(cut.whole - 1).first { _ in true }?.event.offset
        let shared = log.prefix(through: last ?? point)
        var fork = Self(options, birth: mint(1), from: memory, sharing: shared, of: self)
        if let part = cut.part { _ = fork.keep(AppendRequest(events: [part]), at: now, mint: mint) }
        return fork
    }

    var tail: Offset { log.lastOffset ?? floor }

    /// What the stream counts against the store's bound.
    var cost: Int {
        StoreLimits.cost(events: log.count, bytes: log.size, producers: producers.count)
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
            bytes: log.size,
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

    /// What one append made visible, and nobody was told of yet.
    struct Kept {
        var previous: Offset
        var events: EventRun
        var end: StreamEnd?

        /// The offset of the last event; `previous` when there is only an end.
        var last: Offset { events.lastOffset ?? previous }

        /// The same for those who follow the stream.
        var item: CommittedItem { CommittedItem(previous: previous, events: events, end: end) }
    }

    /// What became of an append.
    enum Appended {
        /// It is for a stream of this name that is gone.
        case isForAnother
        case refused(AppendOutcome)
        case noRoom
        /// - growth: by how much the stream costs more.
        case kept(Kept, growth: Int)
    }

    /// Keeps what may be kept, in one access to the stream: a store that read it for each question would copy it each time.
    ///
    /// - Parameter room: how much the store has room for.
    mutating func append(_ request: AppendRequest, at now: Int64, room: Int, mint: (Int) -> Offset) -> Appended {
        guard request.birth.map({ $0 == birth }) ?? true else { return .isForAnother }
        if let refusal = refusal(of: request) { return .refused(refusal) }
        // Whoever ends a stream is not refused for want of room: an end is what lets it be taken later.
        let wanted = StoreLimits.cost(of: request.events)
        guard
            request.events.isEmpty || wanted <= room
                || wanted - costTaken(byKeeping: request.events, at: now) <= room
        else { return .noRoom }
        let before = cost
        let kept = keep(request, at: now, mint: mint)
        return .kept(kept, growth: cost - before)
    }

    /// Keeps what `refusal` let through.
    mutating func keep(_ request: AppendRequest, at now: Int64, mint: (Int) -> Offset) -> Kept {
        let previous = tail
        let events: EventRun =
            request.events.isEmpty ? [] : EventRun(request.events, from: mint(request.events.count))
        log.append(events, at: now)
        if let stamp = request.producer {
            producers[stamp.id] = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
        }
        if let next = request.sequence { sequence = next }
        if let wish = request.end {
            end = StreamEnd(reason: wish.reason, detail: wish.detail, offset: mint(1))
            endedAt = now
            closingStamp = request.producer
        }
        return Kept(previous: previous, events: events, end: end)
    }

    /// Takes from the start what retention no longer keeps. True when something was taken.
    private mutating func trim(at now: Int64) -> Bool {
        let before = floor
        while let oldest = log.oldest, isOver(oldest.at, events: log.count, bytes: log.size, at: now) {
            floor = oldest.offset
            log.removeFirst()
        }
        return floor != before
    }

    /// What taking what retention no longer keeps came to.
    struct Trimmed {
        /// Where the stream begins since; nil where nothing was taken.
        var floor: Offset?
        /// By how much it costs more: 0 or less.
        var growth: Int
        /// When retention takes something for its age, where that is not in the queue yet. It is from now on.
        var next: Int64?
    }

    /// Takes from the start what retention no longer keeps, and says all that the store has to know of it.
    ///
    /// - Parameter isDue: what stood in the queue was taken out of it.
    mutating func trimmed(at now: Int64, isDue: Bool = false) -> Trimmed {
        let before = cost
        if isDue { isQueuedToTrim = false }
        let hasTrimmed = trim(at: now)
        return Trimmed(floor: hasTrimmed ? floor : nil, growth: cost - before, next: queueToTrim())
    }

    /// When retention takes something for its age; nil where it takes nothing, or stands in the queue already.
    private mutating func queueToTrim() -> Int64? {
        guard !isQueuedToTrim, let moment = trimmedByAgeAt else { return nil }
        isQueuedToTrim = true
        return moment
    }

    /// When retention takes its first event for its age; nil when it takes none.
    private var trimmedByAgeAt: Int64? {
        guard let seconds = options.retention.seconds, let first = log.oldest else { return nil }
        return first.at + Int64(seconds) * 1000
    }

    /// What retention would give back of what is kept now, if these events came.
    func costTaken(byKeeping new: EventBatch, at now: Int64) -> Int {
        var events = log.count + new.count
        var bytes = log.size + new.size
        var cost = 0
        for (run, at) in log.runs {
            for index in run.indices {
                guard isOver(at, events: events, bytes: bytes, at: now) else { return cost }
                let size = run.size(at: index)
                events -= 1
                bytes -= size
                cost += size + StoreLimits.eventOverhead
            }
        }
        return cost
    }

    /// Whether retention takes the first of so many events and bytes, which was kept at some moment.
    private func isOver(_ keptAt: Int64, events: Int, bytes: Int, at now: Int64) -> Bool {
        let rule = options.retention
        return rule.events.map { events > $0 } ?? false || rule.bytes.map { bytes > $0 } ?? false
            || rule.seconds.map { (now - keptAt) / 1000 >= Int64($0) } ?? false
    }

    func page(from position: ReadPosition, limit: PageLimit) -> Page {
        let (standing, after, isPastEnd) = locate(position)
        var events: [StreamEvent] = []
        var size = 0
        for kept in log.events(after: after) {
            guard events.count < limit.events else { break }
            size += kept.event.body.size
            if size > limit.bytes, !events.isEmpty { break }
            events.append(kept.event)
        }
        let last = events.last?.offset ?? after
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

    /// Where in the log a position is: its standing, and the offset that is read on from.
    private func locate(_ position: ReadPosition) -> (Page.Standing, after: Offset, isPastEnd: Bool) {
        switch position {
        case .now: return (.exact, tail, false)
        case .start: return (floor == origin ? .exact : .belowFloor, floor, false)
        case .after(let offset):
            if offset == floor { return (.exact, floor, false) }
            if let end, offset == end.offset { return (.exact, tail, true) }
            // Before the beginning there is nothing this stream gave, so nothing of it was lost there.
            if offset < origin { return (.unknown, floor, false) }
            if offset < floor { return (.belowFloor, floor, false) }
            return log.contains(offset) ? (.exact, offset, false) : (.unknown, floor, false)
        }
    }
}
