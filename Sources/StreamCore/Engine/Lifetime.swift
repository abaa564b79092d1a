/// A stream's lease and its time to live, who holds them off, and what of them is due. A value without a clock of its
/// own.
///
/// All times are on the monotonic clock.
@available(freshet 0.1, *)
struct Lifetime {
    /// Which stream of its name this is about.
    var birth: Offset?
    var lease: Lease
    var timeToLive: TimeToLive
    /// Who is attached: readers, streaming appends, and appends on their way to the store.
    var readers = 0
    var openProducers = 0
    var appending = 0
    var hasEnded = false
    /// Whether the stream exists: a reader may be waiting for one that does not.
    var exists = false
    /// The earliest moment at which this lifetime stands in the queue of deadlines.
    var queued: Duration?
    /// The store ends and expires the stream, for all nodes. It is only told of uses, and forgotten with the last who is
    /// attached here.
    let isKeptByStore: Bool
    /// Somebody asks the store about the stream; and must ask again, since it has changed meanwhile.
    var isBeingLookedUp = false
    var looksAgain = false

    init(now: Duration, isKeptByStore: Bool = false) {
        self.isKeptByStore = isKeptByStore
        lease = Lease(start: now)
        timeToLive = TimeToLive(touched: now, told: now)
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
        if !isKeptByStore, openProducers == 0, appending == 0 {
            if readers == 0, let birth, let moment = timeToLive.expiry, now >= moment { return .expire(born: birth) }
            if !hasEnded, let length = lease.lapsed(at: now) { return .abandon(silence: length, born: birth) }
        }
        return isUsed && shouldTell(at: now) ? .tell : .nothing
    }

    /// Somebody is attached of whom the store would not know. A producer has its claim, or has lost its right, where the
    /// store is shared.
    private var isUsed: Bool { readers > 0 || !isKeptByStore && openProducers > 0 }

    /// When something may be due, if nothing happens before; nil when nothing can be.
    var deadline: Duration? {
        guard exists else { return nil }
        let telling = isUsed ? self.telling : nil
        guard !isKeptByStore, openProducers == 0, appending == 0 else { return telling }
        let leaseEnd = hasEnded ? nil : lease.end
        let expiry = readers == 0 ? timeToLive.expiry : nil
        return .earlier(.earlier(leaseEnd, expiry), telling)
    }

    func shouldTell(at now: Duration) -> Bool { exists && (telling.map { now >= $0 } ?? false) }

    /// When the store should be told that somebody is attached, or was; nil where it need not be.
    private var telling: Duration? {
        // One that expires at a moment is held by the node itself where the store does not take it.
        guard isKeptByStore, let moment = timeToLive.expiresAt else { return timeToLive.telling }
        return max(moment - TimeToLive.holding, timeToLive.told + TimeToLive.holding / 3)
    }

    /// Nothing about the stream needs remembering.
    var isIdle: Bool {
        guard readers == 0, openProducers == 0, appending == 0 else { return false }
        return !exists || isKeptByStore || (timeToLive.expiry == nil && (lease.length == nil || hasEnded))
    }

    /// Someone holds the stream open: a streaming append, or a lease that still runs.
    func isProducing(at now: Duration) -> Bool { openProducers > 0 || !isKeptByStore && lease.isRunning(at: now) }
}
