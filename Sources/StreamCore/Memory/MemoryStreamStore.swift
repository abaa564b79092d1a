import HeapModule
import Locks

/// The store that keeps nothing beyond the process: for tests, for demonstrations, and for streams that may be lost.
///
/// One lock guards everything; each operation holds it for the time it takes to touch the stream concerned.
@available(freshet 0.1, *)
package final class MemoryStreamStore: StreamStore, Outbox {
    struct State {
        var issuer = OffsetIssuer()
        var streams: [StreamName: MemoryStream] = [:]
        var names = OrderedNames()
        /// What is left of streams that were taken away and have forks.
        var tombstones: [StreamName: Tombstone] = [:]
        var bytes = 0
        /// When retention takes something for its age next: once for each stream from which it does.
        var trims = Heap<Trim>()
        var watchers: [StreamName: [ObjectIdentifier: any StreamWatcher]] = [:]
        var outbox: MemoryOutbox
    }

    struct Trim: Comparable {
        var moment: Int64
        var name: StreamName
        var birth: Offset

        static func < (left: Trim, right: Trim) -> Bool { left.moment < right.moment }
        static func == (left: Trim, right: Trim) -> Bool { left.moment == right.moment }
    }

    struct Tombstone {
        var forks: Int
        var forkedFrom: ForkOrigin?
    }

    let state: Mutex<State>
    private let limits: StoreLimits
    let time: any TimeSource

    /// - Parameter outbox: who is told of ends; what they were not told yet is lost with the process.
    package init(
        limits: StoreLimits = StoreLimits(),
        time: any TimeSource = SystemTime(),
        outbox: OutboxRules = .none
    ) {
        self.limits = limits
        self.time = time
        state = Mutex(State(outbox: MemoryOutbox(outbox)))
    }

    package var usage: StoreUsage {
        state.withLock { StoreUsage(streams: $0.streams.count, bytes: $0.bytes) }
    }

    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try change(name) { state throws(StoreError) in
            if let existing = state.streams[name] {
                return (CreateOutcome(existing.info(name), askedFor: request, createdWith: existing.options), [])
            }
            guard state.tombstones[name] == nil else { return (.gone, []) }
            let now = milliseconds()
            var stream: MemoryStream
            if let fork = request.fork {
                do throws(ForkFailure) {
                    stream = try self.fork(fork, request.options, at: now, &state)
                } catch {
                    return (.forkRefused(error.refusal), [])
                }
                if let refusal = fork.refusal(ofBytes: stream.log.size + request.events.size) {
                    return (.forkRefused(refusal), [])
                }
            } else {
                stream = MemoryStream(options: request.options, birth: mint(1, &state))
            }
            let cost = stream.cost + StoreLimits.cost(of: request.events)
            guard state.streams.count < limits.streams else { throw .full(.streams) }
            guard state.bytes + cost <= limits.bytes else { throw .full(.bytes) }
            var signals: [StreamSignal] = [.created]
            if !request.events.isEmpty || request.end != nil {
                let first = AppendRequest(events: request.events, end: request.end)
                signals.append(.committed(stream.keep(first, at: now) { mint($0, &state) }.item))
            }
            let trimmed = stream.trimmed(at: now)
            if let floor = trimmed.floor { signals.append(.trimmed(floor: floor)) }
            state.bytes += stream.cost
            if let source = request.fork?.source, let index = state.streams.index(forKey: source) {
                state.streams.values[index].forks += 1
            }
            state.streams[name] = stream
            state.names.insert(name)
            if let end = request.end { note(.ended, stream, name, trace: end.trace, &state) }
            if let moment = trimmed.next { Self.queue(Trim(moment: moment, name: name, birth: stream.birth), &state) }
            return (.created(stream.info(name)), signals)
        }
    }

    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try appendAtOnce(name, request)
    }

    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend {
        do throws(StoreError) {
            return .over(.success(try appendAtOnce(name, request)))
        } catch {
            return .over(.failure(error))
        }
    }

    private func appendAtOnce(_ name: StreamName, _ request: AppendRequest) throws(StoreError) -> AppendOutcome {
        try change(name) { state throws(StoreError) in
            guard let index = state.streams.index(forKey: name) else { return (.notFound, []) }
            let now = milliseconds()
            let room = limits.bytes - state.bytes
            var issuer = state.issuer
            let appended = state.streams.values[index].append(request, at: now, room: room) { [time] in
                issuer.next($0, wallMilliseconds: time.wallMilliseconds())
            }
            state.issuer = issuer
            switch appended {
            case .isForAnother: return (.notFound, [])
            case .refused(let refusal): return (refusal, [])
            case .noRoom: throw .full(.bytes)
            case .kept(let kept, let growth):
                // A notice has what retention takes then.
                if let end = request.end { note(.ended, state.streams.values[index], name, trace: end.trace, &state) }
                let trimmed = state.streams.values[index].trimmed(at: now)
                state.bytes += growth + trimmed.growth
                if let moment = trimmed.next {
                    Self.queue(Trim(moment: moment, name: name, birth: state.streams.values[index].birth), &state)
                }
                let producer = request.producer.map { ProducerState(epoch: $0.epoch, sequence: $0.sequence) }
                let outcome = AppendOutcome.appended(tail: kept.last, end: kept.end, producer: producer)
                // Most streams have nobody who follows them at the moment.
                guard !state.watchers.isEmpty, state.watchers[name] != nil else { return (outcome, []) }
                var signals: [StreamSignal] = [.committed(kept.item)]
                if let floor = trimmed.floor { signals.append(.trimmed(floor: floor)) }
                return (outcome, signals)
            }
        }
    }

    package func read(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit
    ) async throws(StoreError) -> Page? {
        state.withLock { $0.streams[name]?.page(from: position, limit: limit) }
    }

    package func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        state.withLock { $0.streams[name]?.info(name) }
    }

    package func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        state.withLock { state in
            guard let index = state.streams.index(forKey: name), state.streams.values[index].end == nil else {
                return false
            }
            state.streams.values[index].leaseSeconds = seconds
            return true
        }
    }

    package func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
        try change(name) { state throws(StoreError) in
            guard let birth = state.streams[name]?.birth, born.map({ $0 == birth }) ?? true,
                let stream = state.streams.removeValue(forKey: name)
            else { return (nil, []) }
            if removal == .expired { note(.expired, stream, name, &state) }
            state.bytes -= stream.cost
            state.names.remove(name)
            if stream.forks > 0 {
                state.tombstones[name] = Tombstone(forks: stream.forks, forkedFrom: stream.forkedFrom)
            } else {
                Self.release(stream.forkedFrom, &state)
            }
            return (birth, [.removed(removal)])
        }
    }

    package func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        state.withLock { $0.tombstones[name] != nil }
    }

    package func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        OrderedNames.slices(after: after, limit: limit) { after, limit in
            state.withLock { state in
                state.names.page(names, after: after, limit: limit)
                    .compactMap { name in state.streams[name].map { (name, $0.info(name)) } }
            }
        }
    }

    /// How many streams there are.
    package var count: Int { state.withLock { $0.streams.count } }

    package func trimByAge() async throws(StoreError) {
        let now = milliseconds()
        while let due = state.withLock({ $0.trims.min }), due.moment <= now {
            try change(due.name) { state throws(StoreError) in
                // Somebody else may have been here meanwhile.
                guard let first = state.trims.min, first.moment <= now, first.name == due.name else { return ((), []) }
                state.trims.removeMin()
                // In place: a copy of the stream would copy its whole log.
                guard let index = state.streams.index(forKey: due.name),
                    state.streams.values[index].birth == first.birth
                else { return ((), []) }
                let trimmed = state.streams.values[index].trimmed(at: now, isDue: true)
                state.bytes += trimmed.growth
                if let moment = trimmed.next {
                    Self.queue(Trim(moment: moment, name: due.name, birth: first.birth), &state)
                }
                return ((), trimmed.floor.map { [.trimmed(floor: $0)] } ?? [])
            }
        }
    }

    private static func queue(_ trim: Trim, _ state: inout State) {
        state.trims.insert(trim)
        guard state.trims.count > 2 * state.streams.count + 1024 else { return }
        // Streams that are gone have left theirs behind.
        let streams = state.streams
        state.trims = Heap(state.trims.unordered.filter { streams[$0.name]?.birth == $0.birth })
    }

    package func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        let latest = milliseconds() - Int64(age / .milliseconds(1))
        let chosen = state.withLock { state -> [(name: StreamName, birth: Offset)] in
            let candidates = state.streams.filter { $0.value.end != nil && $0.value.endedAt <= latest }
                .sorted { $0.value.endedAt < $1.value.endedAt }
            var streams = state.streams.count
            var kept = state.bytes
            var chosen: [(StreamName, Offset)] = []
            for (name, stream) in candidates where streams >= limits.streams || kept + bytes > limits.bytes {
                streams -= 1
                kept -= stream.cost
                chosen.append((name, stream.birth))
            }
            return streams < limits.streams && kept + bytes <= limits.bytes ? chosen : []
        }
        for (name, birth) in chosen { _ = try await remove(name, because: .expired, born: birth) }
    }

    package func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        state.withLock { state in
            state.watchers[name, default: [:]][ObjectIdentifier(watcher)] = watcher
            watcher.signal(.ready)
        }
        watcher.wake()
    }

    package func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) {
        state.withLock { state in
            state.watchers[name]?[ObjectIdentifier(watcher)] = nil
            if state.watchers[name]?.isEmpty == true { state.watchers[name] = nil }
        }
    }

    /// Changes one stream under the lock, tells its watchers in the same order as the changes, and wakes them after.
    private func change<Outcome: Sendable>(
        _ name: StreamName,
        _ body: (inout State) throws(StoreError) -> (Outcome, [StreamSignal])
    ) throws(StoreError) -> Outcome {
        let result: Result<(Outcome, [any StreamWatcher]), StoreError> = state.withLock { state in
            do throws(StoreError) {
                let (outcome, signals) = try body(&state)
                guard !signals.isEmpty, let watchers = state.watchers[name]?.values else {
                    return .success((outcome, []))
                }
                for watcher in watchers {
                    for signal in signals { watcher.signal(signal) }
                }
                return .success((outcome, Array(watchers)))
            } catch {
                return .failure(error)
            }
        }
        let (outcome, watchers) = try result.get()
        for watcher in watchers { watcher.wake() }
        return outcome
    }

    private func mint(_ count: Int, _ state: inout State) -> Offset {
        state.issuer.next(count, wallMilliseconds: time.wallMilliseconds())
    }

    private func milliseconds() -> Int64 {
        let (seconds, attoseconds) = time.monotonic().components
        return seconds * 1000 + attoseconds / 1_000_000_000_000_000
    }

    private func fork(
        _ request: ForkRequest,
        _ options: StreamOptions,
        at now: Int64,
        _ state: inout State
    ) throws(ForkFailure) -> MemoryStream {
        guard let source = state.streams[request.source] else {
            throw ForkFailure(state.tombstones[request.source] == nil ? .sourceNotFound : .sourceGone)
        }
        var issuer = state.issuer
        defer { state.issuer = issuer }
        return try source.fork(request, options: options, at: now) { [time] in
            issuer.next($0, wallMilliseconds: time.wallMilliseconds())
        }
    }

    /// A fork is gone. A source that was only kept for it goes too, and then perhaps the source of that.
    private static func release(_ origin: ForkOrigin?, _ state: inout State) {
        var next = origin
        while let name = next?.source {
            next = nil
            if let index = state.streams.index(forKey: name) {
                state.streams.values[index].forks -= 1
            } else if var tombstone = state.tombstones[name] {
                tombstone.forks -= 1
                if tombstone.forks == 0 { next = tombstone.forkedFrom }
                state.tombstones[name] = tombstone.forks == 0 ? nil : tombstone
            }
        }
    }
}
