/// How long one stream may live and how long its producer may be silent. A value without a clock of its own.
///
/// All times are on the monotonic clock.
struct Lifetime {
    /// Which stream of its name this is about.
    var birth: Offset?
    /// Time to live without a read or a write.
    var idle: Duration?
    /// When it expires whatever happens.
    var expiresAt: Duration?
    /// The last read or write.
    var touched: Duration
    /// The last read or write that the store was told of. What a restart finds is at most an eighth of the time to
    /// live older than the truth.
    var told: Duration
    /// The producer's lease, and when it last started.
    var lease: Duration?
    var leaseStart: Duration
    /// Who is attached: readers, streaming appends, and appends on their way to the store.
    var readers = 0
    var openProducers = 0
    var appending = 0
    var hasEnded = false
    /// Whether the stream exists: a reader may be waiting for one that does not.
    var exists = false
    /// The earliest moment at which this lifetime stands in the queue of deadlines.
    var queued: Duration?

    init(now: Duration) {
        self.touched = now
        self.told = now
        self.leaseStart = now
    }

    enum Due: Equatable {
        case nothing
        /// The lease ran out: the stream that was born there ends as abandoned.
        case abandon(silence: Duration, born: Offset?)
        /// The time to live ran out: the stream that was born there goes.
        case expire(born: Offset)
        /// Someone holds the stream, and the store should know that it is used.
        case tell
    }

    func due(at now: Duration) -> Due {
        guard exists else { return .nothing }
        if openProducers == 0, appending == 0 {
            if readers == 0, let birth, let moment = expiry, now >= moment { return .expire(born: birth) }
            if !hasEnded, let lease, now >= leaseStart + lease { return .abandon(silence: lease, born: birth) }
        }
        return (readers > 0 || openProducers > 0) && shouldTell(at: now) ? .tell : .nothing
    }

    /// When something may be due, if nothing happens before; nil when nothing can be.
    var deadline: Duration? {
        guard exists else { return nil }
        let telling = readers > 0 || openProducers > 0 ? idle.map { told + Self.tellingInterval($0) } : nil
        guard openProducers == 0, appending == 0 else { return telling }
        let leaseEnd = hasEnded ? nil : lease.map { leaseStart + $0 }
        let expiry = readers == 0 ? expiry : nil
        return [leaseEnd, expiry, telling].compactMap(\.self).min()
    }

    /// Whether an eighth of the time to live passed since the store was told of a use.
    func shouldTell(at now: Duration) -> Bool {
        exists && (idle.map { now >= told + Self.tellingInterval($0) } ?? false)
    }

    /// Not more often than a store can be expected to note it, however short the time to live.
    private static func tellingInterval(_ idle: Duration) -> Duration { max(idle / 8, .milliseconds(50)) }

    /// Nothing about the stream needs remembering.
    var isIdle: Bool {
        guard readers == 0, openProducers == 0, appending == 0 else { return false }
        return !exists || (expiry == nil && (lease == nil || hasEnded))
    }

    var expiry: Duration? {
        [idle.map { touched + $0 }, expiresAt].compactMap(\.self).min()
    }
}
