import StreamCore

/// What a stream should be, said as simply as possible: an array of everything it ever held.
@available(freshet 0.1, *)
struct ModelStream {
    struct Event {
        var text: String
        /// Nil when retention took it before anyone could learn it.
        var offset: Offset?
        var at: Duration
    }

    let birth: Offset
    let options: StreamOptions
    let expiresAt: Duration?
    var history: [Event] = []
    /// How many of them retention took.
    var taken = 0
    var end: StreamEnd?
    var producers: [String: ProducerState] = [:]
    var closing: ProducerStamp?
    var lease: Int?
    var leaseStart: Duration
    var touched: Duration

    init(birth: Offset, options: StreamOptions, now: Duration, wall: UInt64) {
        self.birth = birth
        self.options = options
        self.lease = options.leaseSeconds
        self.leaseStart = now
        self.touched = now
        if case .at(let moment) = options.expiry {
            expiresAt = now + .milliseconds(moment) - .milliseconds(wall)
        } else {
            expiresAt = nil
        }
    }

    var kept: ArraySlice<Event> { history[taken...] }
    var tail: Offset? { history.isEmpty ? birth : history.last?.offset }
    var floor: Offset? { taken == 0 ? birth : history[taken - 1].offset }

    func isExpired(at now: Duration) -> Bool {
        if let expiresAt, now >= expiresAt { return true }
        if case .idle(let seconds) = options.expiry { return now >= touched + .seconds(seconds) }
        return false
    }

    func isAbandoned(at now: Duration) -> Bool {
        guard end == nil, let lease else { return false }
        return now >= leaseStart + .seconds(lease)
    }

    /// What retention should keep.
    mutating func trim(at now: Duration) {
        while let first = kept.first {
            let bytes = kept.reduce(0) { $0 + $1.text.utf8.count }
            let rule = options.retention
            let isOver =
                kept.count > rule.events ?? .max || bytes > rule.bytes ?? .max
                || rule.seconds.map { now - first.at >= .seconds($0) } ?? false
            if !isOver { return }
            taken += 1
        }
    }

    /// What an append of this producer should come to, as a word.
    func verdict(on stamp: ProducerStamp?) -> String {
        if end != nil { return stamp != nil && stamp == closing ? "duplicate" : "ended" }
        guard let stamp else { return "appended" }
        guard let known = producers[stamp.id] else { return stamp.sequence == 0 ? "appended" : "gap" }
        if stamp.epoch != known.epoch {
            return stamp.epoch < known.epoch ? "fenced" : stamp.sequence == 0 ? "appended" : "epoch"
        }
        if stamp.sequence <= known.sequence { return "duplicate" }
        return stamp.sequence == known.sequence + 1 ? "appended" : "gap"
    }

    /// Where a read from a position should begin: its standing, and the first event by its place in the history.
    func locate(_ position: ReadPosition) -> (Page.Standing, Int) {
        switch position {
        case .start: return (taken == 0 ? .exact : .belowFloor, taken)
        case .now: return (.exact, history.count)
        case .after(let offset):
            if offset == end?.offset { return (.exact, history.count) }
            if offset == floor { return (.exact, taken) }
            if let place = history.firstIndex(where: { $0.offset == offset }) {
                return place < taken ? (.belowFloor, taken) : (.exact, place + 1)
            }
            // What stood between the birth and the floor nobody remembers.
            if let floor, offset >= birth, offset < floor { return (.belowFloor, taken) }
            return (.unknown, taken)
        }
    }
}

@available(freshet 0.1, *)
extension AppendOutcome {
    var word: String {
        switch self {
        case .notFound: "not found"
        case .ended: "ended"
        case .typeMismatch: "type"
        case .fenced: "fenced"
        case .superseded: "superseded"
        case .epochMustStartAtZero: "epoch"
        case .duplicate: "duplicate"
        case .gap: "gap"
        case .sequenceRegression: "sequence"
        case .withheld: "withheld"
        case .appended: "appended"
        }
    }
}
