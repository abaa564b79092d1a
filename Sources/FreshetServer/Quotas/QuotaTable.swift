import Locks
package import StreamCore

/// What each caller has open and has done lately, by its name. Shared by all event loops, behind a lock.
///
/// It knows a bounded number of callers. One that has nothing open and whose buckets are full is forgotten when room is
/// wanted, which changes nothing for it: it would be known like that if it came anew. Where all that are known are in use,
/// those that come then are counted together, as one, until there is room: many names are no way around a quota.
@available(freshet 0.1, *)
package final class QuotaTable: Sendable {
    private struct Account {
        var requestsFull: Duration
        var streamsFull: Duration
        var readers = 0
        var producers = 0

        init(at now: Duration) {
            requestsFull = now
            streamsFull = now
        }

        /// As one that has never been.
        func isIdle(at now: Duration) -> Bool {
            readers == 0 && producers == 0 && requestsFull <= now && streamsFull <= now
        }
    }

    private struct State {
        var accounts: [String: Account] = [:]
        /// Of all for whom there is no room.
        var others: Account
        /// With so many callers the idle ones are looked for.
        var looksAt: Int
        /// Until then nobody looks for them again.
        var looksAfter: Duration
        var refused: [Quota: Int] = [:]
    }

    /// Whose account something was taken from.
    private enum Holder {
        case caller(String)
        case others
    }

    private let limits: QuotaLimits
    private let requests: Rate?
    private let streams: Rate?
    private let mostCallers: Int
    private let time: any TimeSource
    private let state: Mutex<State>

    /// - Parameter mostCallers: how many are known at a time; each takes about 200 bytes.
    package init(_ limits: QuotaLimits, time: any TimeSource, mostCallers: Int = 100_000) {
        self.limits = limits
        self.requests = limits.requests
        self.streams = limits.streams
        self.mostCallers = mostCallers
        self.time = time
        let now = time.monotonic()
        state = Mutex(State(others: Account(at: now), looksAt: min(1024, mostCallers), looksAfter: now))
    }

    // MARK: What callers do

    /// Counts a request.
    func takeRequest(of caller: String) throws(QuotaRefusal) {
        try take(.requests, \.requestsFull, requests, limits.requestsPerSecond, of: caller)
    }

    /// Counts a stream that is about to be created.
    func takeStream(of caller: String) throws(QuotaRefusal) {
        try take(.streams, \.streamsFull, streams, limits.streamsPerHour, of: caller)
    }

    /// Counts a stream that was created although there was none left, since it had seemed to be there already.
    func chargeStream(of caller: String) {
        guard let streams else { return }
        change(caller) { account, now in streams.charge(&account.streamsFull, at: now) }
    }

    /// The stream was not created.
    func giveBackStream(of caller: String) {
        guard let streams else { return }
        change(caller) { account, _ in streams.giveBack(&account.streamsFull) }
    }

    /// Counts a reader from now until the place is let go of; nil where readers are not counted.
    func openReader(of caller: String) throws(QuotaRefusal) -> QuotaPlace? {
        try open(.readers, \.readers, limits.readers, of: caller)
    }

    /// The same of a producer.
    func openProducer(of caller: String) throws(QuotaRefusal) -> QuotaPlace? {
        try open(.producers, \.producers, limits.producers, of: caller)
    }

    private func take(
        _ quota: Quota,
        _ full: any WritableKeyPath<Account, Duration> & Sendable,
        _ rate: Rate?,
        _ limit: Int?,
        of caller: String
    ) throws(QuotaRefusal) {
        guard let rate, let limit else { return }
        let wait = change(caller) { account, now in rate.take(&account[keyPath: full], at: now) }
        if let wait { throw QuotaRefusal(quota: quota, limit: limit, wait: wait) }
    }

    private func open(
        _ quota: Quota,
        _ count: any WritableKeyPath<Account, Int> & Sendable,
        _ limit: Int?,
        of caller: String
    ) throws(QuotaRefusal) -> QuotaPlace? {
        guard let limit else { return nil }
        let now = time.monotonic()
        let found: Holder? = state.withLock { state in
            let holder = holder(caller, &state, now)
            let hasRoom = change(holder, &state, now) { account in
                guard account[keyPath: count] < limit else { return false }
                account[keyPath: count] += 1
                return true
            }
            return hasRoom ? holder : nil
        }
        guard let holder = found else { throw QuotaRefusal(quota: quota, limit: limit, wait: .seconds(5)) }
        return QuotaPlace { [self] in
            let now = time.monotonic()
            state.withLock { state in change(holder, &state, now) { $0[keyPath: count] -= 1 } }
        }
    }

    // MARK: What can be told

    func noteRefused(_ quota: Quota) { state.withLock { $0.refused[quota, default: 0] += 1 } }

    /// How many requests were refused, by the quota that they met.
    package var refused: [Quota: Int] { state.withLock(\.refused) }

    /// How many callers are known.
    var count: Int { state.withLock(\.accounts.count) }

    // MARK: -

    @discardableResult
    private func change<Result: Sendable>(_ caller: String, _ body: (inout Account, Duration) -> Result) -> Result {
        let now = time.monotonic()
        return state.withLock { state in
            let holder = holder(caller, &state, now)
            return change(holder, &state, now) { body(&$0, now) }
        }
    }

    private func change<Result>(
        _ holder: Holder,
        _ state: inout State,
        _ now: Duration,
        _ body: (inout Account) -> Result
    ) -> Result {
        switch holder {
        case .caller(let name): body(&state.accounts[name, default: Account(at: now)])
        case .others: body(&state.others)
        }
    }

    /// Whose account a caller's is: its own wherever there is room for it.
    private func holder(_ caller: String, _ state: inout State, _ now: Duration) -> Holder {
        if state.accounts[caller] != nil { return .caller(caller) }
        if state.accounts.count >= state.looksAt, now >= state.looksAfter {
            state.accounts = state.accounts.filter { !$0.value.isIdle(at: now) }
            // Each look at all of them is paid for by as many who are new, or by a second.
            state.looksAt = min(max(1024, 2 * state.accounts.count), mostCallers)
            if state.accounts.count >= mostCallers { state.looksAfter = now + .seconds(1) }
        }
        return state.accounts.count < mostCallers ? .caller(caller) : .others
    }
}

/// A place that is taken up while it is held.
@available(freshet 0.1, *)
final class QuotaPlace: Sendable {
    private let release: @Sendable () -> Void

    init(release: @escaping @Sendable () -> Void) {
        self.release = release
    }

    deinit { release() }
}
