import Locks

#if !Server
#error("This needs the trait Server of the package freshet. It is on unless `traits` leaves it out.")
#endif

/// The streams of one node: a store, and around it what a log alone does not know: leases, time to live, live
/// requests, and who follows what. Every way in, HTTP or in process, goes through here.
@available(freshet 0.1, *)
package final class Streams: Sendable {
    package let store: any StreamStore
    package let configuration: StreamsConfiguration
    /// The store where other nodes use it too; nil where it is this node's alone.
    let shared: (any SharedStreamStore)?
    let lookUps: LookUps?
    let hub: Hub
    let lifetimes: LifetimeTable
    /// What the streams of each owner keep; nil where that is not counted.
    let owned: OwnedBytes?
    let time: any TimeSource
    let counts = Mutex(StreamsMetrics())
    /// The open streaming appends of a label, oldest first: all but the last have lost, or are losing, their right.
    let labelled = Mutex<[ProducerKey: [StreamingProducer]]>([:])

    struct ProducerKey: Hashable {
        var name: StreamName
        var label: String
    }

    package init(
        store: any StreamStore,
        configuration: StreamsConfiguration = StreamsConfiguration(),
        time: any TimeSource = SystemTime()
    ) {
        self.store = store
        self.configuration = configuration
        self.time = time
        let shared = store as? any SharedStreamStore
        let lifetimes = LifetimeTable(time: time, isKeptByStore: shared != nil)
        let lookUps = shared.map { LookUps(store: $0, lifetimes: lifetimes) }
        self.hub = Hub(store: store, onChange: lookUps?.lookUp)
        self.shared = shared
        self.lifetimes = lifetimes
        self.lookUps = lookUps
        self.owned = configuration.bytesPerOwner.map { OwnedBytes(limit: $0, time: time) }
    }

    // MARK: Writing

    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await settle(name)
        if let source = request.fork?.source { try await settle(source) }
        let outcome = try await counting(request, name) { request async throws(StoreError) -> CreateOutcome in
            try await withRoom(for: request.events) { () async throws(StoreError) -> CreateOutcome in
                try await store.create(name, request)
            }
        }
        switch outcome {
        case .created(let info):
            counts.withLock { counts in
                counts.created += 1
                counts.count(request.events)
                if let end = request.end { counts.ends[end.reason, default: 0] += 1 }
            }
            begin(KeptStream(info: info, idle: .zero, hadOpenProducer: false))
            await tidy(info.options.owner)
            // Forking reads the source.
            if let source = request.fork?.source { touch(source) }
        case .exists: if shared == nil { touch(name) } else { store.touch(name) }
        case .conflict, .gone, .forkRefused: break
        }
        return outcome
    }

    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await enter(name) { $0.appending += 1 }
        let began = time.monotonic()
        let result: Result<AppendOutcome, StoreError>
        do throws(StoreError) {
            result = .success(
                try await counting(request, name) { request async throws(StoreError) -> AppendOutcome in
                    try await withRoom(for: request.events) { () async throws(StoreError) -> AppendOutcome in
                        try await store.append(name, request)
                    }
                }
            )
        } catch {
            result = .failure(error)
        }
        appended(name, request, result, since: began)
        return try result.get()
    }

    /// Restarts the lease, with a new length. Nil when there is no such stream; with its end when it has ended, and
    /// then nothing was changed.
    package func renewLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> StreamInfo? {
        // Counted like an append: the lease before does not run out between the store's word and ours.
        try await enter(name) { $0.appending += 1 }
        var renewed: StreamInfo?
        defer {
            lifetimes.updateIfPresent(name) { lifetime, now in
                lifetime.appending -= 1
                guard let renewed, lifetime.birth.map({ $0 == renewed.birth }) ?? true else { return }
                lifetime.exists = true
                lifetime.birth = renewed.birth
                lifetime.lease.length = .seconds(seconds)
                lifetime.lease.start = now
            }
        }
        while let info = try await store.info(name) {
            if info.end != nil { return info }
            // False when it ended or went meanwhile, which is what to tell: ask again.
            guard try await store.setLease(name, seconds: seconds) else { continue }
            renewed = info
            return info
        }
        return nil
    }

    /// - Parameter birth: takes only the stream that was born there; nil takes whichever has the name.
    package func remove(_ name: StreamName, born birth: Offset? = nil) async throws(StoreError) -> Bool {
        try await settle(name)
        guard let birth = try await store.remove(name, because: .deleted, born: birth) else { return false }
        forget(name, born: birth)
        counts.withLock { $0.removals[.deleted, default: 0] += 1 }
        return true
    }

    // MARK: Reading

    package func read(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit = PageLimit()
    ) async throws(StoreError) -> Page? {
        try await settle(name)
        touch(name)
        return try await store.read(name, from: position, limit: limit)
    }

    package func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        try await settle(name)
        return try await store.info(name)
    }

    /// Whether the stream was deleted, or expired, and its name is kept for the forks it has.
    package func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        try await store.isSoftDeleted(name)
    }

    package func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try await store.list(prefix: prefix, after: after, limit: limit)
    }

    package func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try await store.list(names, after: after, limit: limit)
    }

    /// Begins to follow a stream, whether it exists yet or not.
    package func follow(_ name: StreamName, _ listener: any TailListener) { hub.follow(name, listener) }

    package func unfollow(_ name: StreamName, _ listener: any TailListener) { hub.unfollow(name, listener) }

    /// A reader is attached: the stream does not expire until as many are detached.
    package func attachReader(_ name: StreamName) {
        var isKnown = true
        lifetimes.update(name) { lifetime, now in
            lifetime.readers += 1
            lifetime.timeToLive.touched = now
            isKnown = lifetime.exists
        }
        if !isKnown { lookUps?.lookUp(name) }
    }

    package func detachReader(_ name: StreamName) {
        var mustTell = false
        lifetimes.updateIfPresent(name) { lifetime, now in
            lifetime.readers -= 1
            lifetime.timeToLive.touched = now
            mustTell = lifetime.isKeptByStore && lifetime.readers == 0 && lifetime.timeToLive.idle != nil
        }
        // From now on its time to live counts.
        if mustTell { store.touch(name) }
    }

    // MARK: What can be told

    package var metrics: StreamsMetrics { counts.withLock(\.self) }

    package struct Attendance: Sendable, Equatable {
        /// Readers of this node.
        package var readers: Int
        package var openProducers: Int
        /// What is left of the lease; nil when none runs.
        package var leaseRemaining: Duration?
        /// What is left of the time to live; nil when nothing counts down.
        package var expiresIn: Duration?
        /// The nodes that hold the stream, where several share the store.
        package var writers: [String] = []
    }

    /// Who is attached to a stream here. Of a store that is shared `attendance(of: [StreamName])` knows more.
    package func attendance(of name: StreamName) -> Attendance {
        guard let lifetime = lifetimes.lifetime(of: name) else {
            return Attendance(readers: 0, openProducers: 0, leaseRemaining: nil, expiresIn: nil)
        }
        let now = time.monotonic()
        let isHeldOff = lifetime.openProducers > 0 || shared != nil
        let lease = lifetime.hasEnded || isHeldOff ? nil : lifetime.lease.end
        let expiry = lifetime.readers > 0 || isHeldOff ? nil : lifetime.timeToLive.expiry
        return Attendance(
            readers: lifetime.readers,
            openProducers: lifetime.openProducers,
            leaseRemaining: lease.map { max(.zero, $0 - now) },
            expiresIn: expiry.map { max(.zero, $0 - now) }
        )
    }

    /// Whether a producer may still be at work on the stream: a streaming append is open or a lease runs.
    ///
    /// Where the store is shared, only whether one is open here: who is refused goes on at another node.
    package func isProducing(_ name: StreamName) -> Bool {
        guard let lifetime = lifetimes.lifetime(of: name), lifetime.exists else { return false }
        return !lifetime.hasEnded && lifetime.isProducing(at: time.monotonic())
    }

    /// Whether its readers wait for something that comes by itself: the work of a producer, or an end that was kept
    /// and has yet to reach them.
    ///
    /// Where the store is shared, the work of a producer of this node: readers go on at another. For those who cannot,
    /// that of any; with a lease the stream ends whatever becomes of it.
    package func isComingToAnEnd(_ name: StreamName, canGoOn: Bool = true) -> Bool {
        guard let lifetime = lifetimes.lifetime(of: name) else { return false }
        if lifetime.hasEnded { return true }
        guard lifetime.exists else { return false }
        return lifetime.isProducing(at: time.monotonic())
            || !canGoOn && shared != nil && lifetime.lease.length != nil
    }

    private func touch(_ name: StreamName) {
        var (shouldTell, isKnown) = (false, true)
        lifetimes.updateIfPresent(name) { lifetime, now in
            isKnown = lifetime.exists
            lifetime.timeToLive.touched = now
            shouldTell = lifetime.shouldTell(at: now)
            if shouldTell { lifetime.timeToLive.told = now }
        }
        if shouldTell { store.touch(name) }
        // It could not be looked up when somebody came.
        if !isKnown { lookUps?.lookUp(name) }
    }

    /// Counts an append out, and what it came to.
    func appended(
        _ name: StreamName,
        _ request: AppendRequest,
        _ result: Result<AppendOutcome, StoreError>,
        since began: Duration
    ) {
        let now = time.monotonic()
        let outcome: AppendOutcome? = if case .success(let outcome) = result { outcome } else { nil }
        if let outcome {
            counts.withLock { counts in
                counts.count(outcome, of: request)
                if case .appended = outcome { counts.appendTimes.add(now - began) }
            }
        }
        lifetimes.updateIfPresent(name, at: now) { lifetime, now in
            lifetime.appending -= 1
            switch outcome {
            case .appended(_, let end, _):
                lifetime.timeToLive.touched = now
                lifetime.timeToLive.told = now
                lifetime.lease.start = now
                if end != nil { lifetime.hasEnded = true }
            case .duplicate:
                lifetime.timeToLive.touched = now
                lifetime.lease.start = now
            case .ended: lifetime.hasEnded = true
            default: break
            }
        }
    }
}
