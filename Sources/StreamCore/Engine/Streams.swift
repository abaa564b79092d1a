import Locks

/// The streams of one node: a store, and around it what a log alone does not know: leases, time to live, live
/// requests, and who follows what. Every way in, HTTP or in process, goes through here.
package final class Streams: Sendable {
    package let store: any StreamStore
    package let configuration: StreamsConfiguration
    private let hub: Hub
    private let lifetimes: LifetimeTable
    private let time: any TimeSource
    private let counts = Mutex(StreamsMetrics())
    /// The open live requests of a label, oldest first: all but the last have lost, or are losing, their right.
    private let labelled = Mutex<[LiveKey: [LiveProducer]]>([:])

    private struct LiveKey: Hashable {
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
        self.hub = Hub(store: store)
        self.lifetimes = LifetimeTable(time: time)
    }

    // MARK: Writing

    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await settle(name)
        if let source = request.fork?.source { try await settle(source) }
        let outcome = try await withRoom(for: request.events) { () async throws(StoreError) -> CreateOutcome in
            try await store.create(name, request)
        }
        switch outcome {
        case .created(let info):
            counts.withLock { counts in
                counts.created += 1
                counts.count(request.events)
                if let end = request.end { counts.ends[end.reason, default: 0] += 1 }
            }
            begin(KeptStream(info: info, idle: .zero, hadLiveRequest: false))
            // Forking reads the source.
            if let source = request.fork?.source { touch(source) }
        case .exists: touch(name)
        case .conflict, .gone, .forkRefused: break
        }
        return outcome
    }

    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await enter(name) { $0.appending += 1 }
        var outcome: AppendOutcome?
        defer { appended(name, outcome) }
        let result = try await withRoom(for: request.events) { () async throws(StoreError) -> AppendOutcome in
            try await store.append(name, request)
        }
        outcome = result
        counts.withLock { $0.count(result, of: request) }
        return result
    }

    /// Restarts the lease, with a new length. Nil when there is no such stream.
    package func renewLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> StreamInfo? {
        try await settle(name)
        guard let info = try await store.info(name) else { return nil }
        guard info.end == nil, try await store.setLease(name, seconds: seconds) else {
            return try await store.info(name)
        }
        lifetimes.update(name) { lifetime, now in
            lifetime.exists = true
            lifetime.birth = lifetime.birth ?? info.birth
            lifetime.lease = .seconds(seconds)
            lifetime.leaseStart = now
        }
        return info
    }

    package func remove(_ name: StreamName) async throws(StoreError) -> Bool {
        try await settle(name)
        guard let birth = try await store.remove(name, because: .deleted, born: nil) else { return false }
        lifetimes.forget(name, born: birth)
        counts.withLock { $0.removals[.deleted, default: 0] += 1 }
        return true
    }

    // MARK: Live requests

    /// Opens a live request to a stream that exists. `onStop` is called once, on any thread, when it can append no
    /// more although it is still open. An older request of the same label has lost its right to append on return.
    package func openLive(
        _ name: StreamName,
        label: String?,
        onStop: @escaping @Sendable (LiveStop) -> Void
    ) async throws(StoreError) -> LiveProducer? {
        try await enter(name) { $0.live += 1 }
        let producer = LiveProducer(name: name, label: label, streams: self, onStop: onStop)
        hub.follow(name, producer)
        do throws(StoreError) {
            guard let info = try await store.info(name) else {
                leave(producer)
                return nil
            }
            lifetimes.updateIfPresent(name) { lifetime, _ in
                lifetime.exists = true
                lifetime.birth = lifetime.birth ?? info.birth
            }
            producer.opened(at: info.tail)
            if let end = info.end {
                producer.stop(because: .ended(end))
            } else if info.options.leaseSeconds == nil, configuration.tornLeaseSeconds > 0 {
                // Should this process die before the request ends, the next one knows that it was torn.
                try await store.liveOpened(name)
                producer.noteKept()
            }
        } catch {
            leave(producer)
            throw error
        }
        if let label {
            let older = labelled.withLock { labelled in
                let older = labelled[LiveKey(name: name, label: label), default: []]
                labelled[LiveKey(name: name, label: label)] = older + [producer]
                return older
            }
            // Every one of them, not only the last: who is taking over from another may not have done so yet.
            for producer in older { await producer.supersede() }
        }
        return producer
    }

    func closeLive(_ producer: LiveProducer, isTorn: Bool) async {
        if let label = producer.label {
            let key = LiveKey(name: producer.name, label: label)
            labelled.withLock { labelled in
                labelled[key]?.removeAll { $0 === producer }
                if labelled[key]?.isEmpty == true { labelled[key] = nil }
            }
        }
        let lease = configuration.tornLeaseSeconds
        // A request that was replaced or told of the end leaves nothing open behind it.
        if isTorn, producer.stop == nil, lease > 0, lifetimes.lifetime(of: producer.name)?.lease == nil {
            // A store that cannot keep the lease now is no reason to leave a spinner: this node holds it all the same.
            let isOpen = (try? await store.setLease(producer.name, seconds: lease)) ?? true
            if isOpen {
                lifetimes.updateIfPresent(producer.name) {
                    $0.lease = .seconds(lease); $0.leaseStart = $1
                }
            }
        }
        leave(producer)
        // A note that cannot be taken back now costs the stream at most a lease after a crash.
        if producer.isKept { try? await store.liveClosed(producer.name) }
    }

    private func leave(_ producer: LiveProducer) {
        hub.unfollow(producer.name, producer)
        lifetimes.updateIfPresent(producer.name) { lifetime, now in
            lifetime.live -= 1
            lifetime.touched = now
            if lifetime.live == 0 { lifetime.leaseStart = now }
        }
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

    /// Begins to follow a stream, whether it exists yet or not.
    package func follow(_ name: StreamName, _ listener: any TailListener) { hub.follow(name, listener) }

    package func unfollow(_ name: StreamName, _ listener: any TailListener) { hub.unfollow(name, listener) }

    /// A reader is attached: the stream does not expire until as many are detached.
    package func attachReader(_ name: StreamName) {
        lifetimes.update(name) { lifetime, now in
            lifetime.readers += 1
            lifetime.touched = now
        }
    }

    package func detachReader(_ name: StreamName) {
        lifetimes.updateIfPresent(name) { lifetime, now in
            lifetime.readers -= 1
            lifetime.touched = now
        }
    }

    // MARK: What can be told

    package var metrics: StreamsMetrics { counts.withLock(\.self) }

    package struct Attendance: Sendable, Equatable {
        package var readers: Int
        package var liveProducers: Int
        /// What is left of the lease; nil when none runs.
        package var leaseRemaining: Duration?
        /// What is left of the time to live; nil when nothing counts down.
        package var expiresIn: Duration?
    }

    package func attendance(of name: StreamName) -> Attendance {
        guard let lifetime = lifetimes.lifetime(of: name) else {
            return Attendance(readers: 0, liveProducers: 0, leaseRemaining: nil, expiresIn: nil)
        }
        let now = time.monotonic()
        let lease = lifetime.hasEnded || lifetime.live > 0 ? nil : lifetime.lease
        let expiry = lifetime.readers > 0 || lifetime.live > 0 ? nil : lifetime.expiry
        return Attendance(
            readers: lifetime.readers,
            liveProducers: lifetime.live,
            leaseRemaining: lease.map { max(.zero, lifetime.leaseStart + $0 - now) },
            expiresIn: expiry.map { max(.zero, $0 - now) }
        )
    }

    /// Whether a producer may still be at work on the stream: a live request is open or a lease runs.
    package func isProducing(_ name: StreamName) -> Bool {
        guard let lifetime = lifetimes.lifetime(of: name), lifetime.exists, !lifetime.hasEnded else { return false }
        return lifetime.isProducing(at: time.monotonic())
    }

    /// Whether its readers wait for something that comes by itself: the work of a producer, or an end that was kept
    /// and has yet to reach them.
    package func isComingToAnEnd(_ name: StreamName) -> Bool {
        guard let lifetime = lifetimes.lifetime(of: name), lifetime.exists else { return false }
        return lifetime.hasEnded || lifetime.isProducing(at: time.monotonic())
    }

    // MARK: Time

    /// Does what has become due: ends abandoned streams, takes expired ones, trims by age. Call it a few times a
    /// second; what is due for a stream that is being used is done on use.
    package func sweep() async throws(StoreError) {
        var failure: StoreError?
        for (name, due) in lifetimes.takeDue() {
            do throws(StoreError) {
                try await act(on: due, name)
            } catch {
                // Due it stays: back into the queue for the next sweep.
                lifetimes.updateIfPresent(name) { _, _ in }
                failure = error
            }
        }
        if let failure { throw failure }
        try await store.trimByAge()
    }

    /// Takes up the leases and lifetimes of the streams a durable store holds: every open lease starts again in full,
    /// and a stream whose live request died with the process before gets the lease of a torn one.
    package func resume() async throws(StoreError) {
        var last: String?
        while true {
            let page = try await store.kept(after: last, limit: 1000)
            for var stream in page {
                if stream.hadLiveRequest, let lease = try await leaveLease(stream.info) {
                    stream.info.options.leaseSeconds = lease
                }
                begin(stream)
            }
            guard let next = page.last else { return }
            last = next.info.name.text
        }
    }

    /// Gives a stream whose live request is gone the lease of a torn one, if it has none.
    private func leaveLease(_ info: StreamInfo) async throws(StoreError) -> Int? {
        let lease = configuration.tornLeaseSeconds
        guard lease > 0, info.end == nil, info.options.leaseSeconds == nil else { return nil }
        return try await store.setLease(info.name, seconds: lease) ? lease : nil
    }

    private func begin(_ kept: KeptStream) {
        let info = kept.info
        let wall = time.wallMilliseconds()
        lifetimes.update(info.name) { lifetime, now in
            // Two creates with a deletion between them may come here in the other order.
            guard lifetime.birth.map({ $0 <= info.birth }) ?? true else { return }
            lifetime.exists = true
            lifetime.birth = info.birth
            lifetime.hasEnded = info.end != nil
            lifetime.touched = now - kept.idle
            lifetime.told = lifetime.touched
            lifetime.lease = info.options.leaseSeconds.map { .seconds($0) }
            lifetime.leaseStart = now
            // What is left of a stream that went without this node's doing does not count for this one.
            lifetime.idle = nil
            lifetime.expiresAt = nil
            switch info.options.expiry {
            case .idle(let seconds): lifetime.idle = .seconds(seconds)
            case .at(let moment): lifetime.expiresAt = now + .milliseconds(moment) - .milliseconds(wall)
            case nil: break
            }
        }
    }

    private func touch(_ name: StreamName) {
        var shouldTell = false
        lifetimes.updateIfPresent(name) { lifetime, now in
            lifetime.touched = now
            shouldTell = lifetime.shouldTell(at: now)
            if shouldTell { lifetime.told = now }
        }
        if shouldTell { store.touch(name) }
    }

    private func appended(_ name: StreamName, _ outcome: AppendOutcome?) {
        lifetimes.updateIfPresent(name) { lifetime, now in
            lifetime.appending -= 1
            switch outcome {
            case .appended(_, let end, _):
                lifetime.touched = now
                lifetime.told = now
                lifetime.leaseStart = now
                if end != nil { lifetime.hasEnded = true }
            case .duplicate:
                lifetime.touched = now
                lifetime.leaseStart = now
            case .ended: lifetime.hasEnded = true
            default: break
            }
        }
    }

    /// Does what is due for one stream before it is used.
    private func settle(_ name: StreamName) async throws(StoreError) {
        let due = lifetimes.due(name)
        if due != .nothing { _ = try await actIfThereIsRoom(on: due, name) }
    }

    /// What is due on a disk that is full waits for room: until then the stream is used as it is. False when it waits.
    private func actIfThereIsRoom(on due: Lifetime.Due, _ name: StreamName) async throws(StoreError) -> Bool {
        do {
            try await act(on: due, name)
            return true
        } catch {
            guard case .full = error else { throw error }
            return false
        }
    }

    /// Does what is due, and counts somebody in at the same moment at which nothing is: whoever is counted in before a
    /// lease or a time to live runs out holds it off, and whoever comes after finds the stream ended or gone.
    private func enter(_ name: StreamName, _ count: (inout Lifetime) -> Void) async throws(StoreError) {
        while case let due = lifetimes.updateUnlessDue(name, count), due != .nothing {
            guard try await actIfThereIsRoom(on: due, name) else {
                return lifetimes.updateIfPresent(name) { lifetime, _ in count(&lifetime) }
            }
        }
    }

    private func act(on due: Lifetime.Due, _ name: StreamName) async throws(StoreError) {
        switch due {
        case .nothing: break
        case .tell:
            store.touch(name)
            lifetimes.updateIfPresent(name) { lifetime, now in lifetime.told = now }
        case .expire(let birth):
            if try await store.remove(name, because: .expired, born: birth) != nil {
                counts.withLock { $0.removals[.expired, default: 0] += 1 }
            }
            lifetimes.forget(name, born: birth)
        case .abandon(let silence):
            let birth = lifetimes.lifetime(of: name)?.birth
            let detail = "The producer was silent for \(silence.components.seconds) s."
            let end = AppendRequest(end: EndRequest(.abandoned, detail: detail))
            let outcome = try await store.append(name, end)
            if case .notFound = outcome { return lifetimes.forget(name, born: birth) }
            counts.withLock { $0.count(outcome, of: end) }
            lifetimes.updateIfPresent(name) { lifetime, _ in if lifetime.birth == birth { lifetime.hasEnded = true } }
        }
    }

    /// Runs what needs room in the store, making some where that may be done: expired data goes first, then ended
    /// streams of a configured age. Nothing unexpired is taken otherwise.
    private func withRoom<Outcome: Sendable>(
        for events: [EventBody],
        _ body: () async throws(StoreError) -> Outcome
    ) async throws(StoreError) -> Outcome {
        do {
            return try await body()
        } catch {
            guard case .full = error else { throw error }
        }
        do {
            return try await makingRoom(for: events, body)
        } catch {
            if case .full = error { counts.withLock { $0.full += 1 } }
            throw error
        }
    }

    private func makingRoom<Outcome: Sendable>(
        for events: [EventBody],
        _ body: () async throws(StoreError) -> Outcome
    ) async throws(StoreError) -> Outcome {
        try await sweep()
        guard let age = configuration.endedAge else { return try await body() }
        do {
            return try await body()
        } catch {
            guard case .full = error else { throw error }
        }
        // With room for the stream itself: a create without events needs some too.
        let bytes = events.reduce(2048) { $0 + $1.size + 1024 }
        try await store.takeEnded(olderThan: age, toFit: bytes)
        return try await body()
    }
}
