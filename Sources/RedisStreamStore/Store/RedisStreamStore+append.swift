package import StreamCore

/// What changes a stream's log.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        guard try await hasRoom(for: request, in: name) else {
            var withheld = request
            withheld.isWithheld = true
            let outcome = try await send(name, withheld)
            guard outcome == .withheld else { return outcome }
            throw .full(.bytes)
        }
        return try await send(name, request)
    }

    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend {
        // What waits, for the connection or for room, or leaves something to be told, needs a task.
        guard caller.isUp,
            request.end == nil || !isTold(of: name),
            request.events.isEmpty || fits(StoreLimits.cost(of: request.events))
        else {
            return .notBegun
        }
        begin(name, request, told: told)
        return .waiting
    }

    private func send(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await caller.awaitLink()
        let notice = request.isWithheld ? nil : notice(of: name, request.end)
        let entered = notice.map { _ in entering(name) }
        let outcome = try await withCheckedContinuation { continuation in
            begin(name, request, notice) { continuation.resume(returning: $0) }
        }.get()
        await list(name, entered: entered)
        return outcome
    }

    /// Sends it, and says what it came to when this node's watchers have been told.
    private func begin(
        _ name: StreamName,
        _ request: AppendRequest,
        _ notice: OutboxNotice? = nil,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) {
        let isDurableLater = configuration.replicas > 0
        if isDurableLater { durable.note(name) }
        caller.begin(appendCall(name, request, notice), .writes) { [self] result in
            let reply: AppendReply
            let connection: UInt64?
            do {
                let read = try result.get()
                reply = try AppendReply(read)
                connection = read.connection
            } catch {
                if isDurableLater { durable.leave(name, isConfirmed: false) }
                return told(.failure(error as? StoreError ?? .damagedReply))
            }
            if case .kept(let kept) = reply { add(kept, of: request) }
            if case .endedBeyondClaim = reply {
                if isDurableLater { durable.leave(name, isConfirmed: false) }
                return beginWithoutClaim(name, request, told: told)
            }
            guard let lag = reply.lag else {
                if isDurableLater { durable.leave(name, isConfirmed: false) }
                return told(.success(acknowledge(name, request, reply)))
            }
            durable.cover(name, lag, over: connection) { [self] result in
                if isDurableLater { durable.leave(name, isConfirmed: (try? result.get()) != nil) }
                told(result.map { acknowledge(name, request, reply) })
            }
        }
    }

    /// What it comes to for whoever has no claim: how the stream ended.
    private func beginWithoutClaim(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) {
        var request = request
        request.claim = nil
        request.isWithheld = true
        begin(name, request) { result in
            // It was made anew meanwhile.
            told(result.map { $0 == .withheld ? .superseded : $0 })
        }
    }

    private func appendCall(_ name: StreamName, _ request: AppendRequest, _ notice: OutboxNotice?) -> FunctionCall {
        // What ends a stream is let through when Redis is full: an end is what lets it be taken later.
        var call = function(
            request.events.isEmpty ? "freshet1_finish" : "freshet1_append",
            of: name,
            notice == nil ? [":m", ":s"] : [":m", ":s", ":o"],
            reserving: 256 + 3 * name.text.utf8.count + request.events.size + 4 * request.events.count
        )
        call.add(request.isWithheld ? mode + "w" : callMode(notice))
        call.add(request.birth)
        call.add(request.contentType?.essence)
        if let stamp = request.producer {
            call.add(stamp.id)
            call.add(stamp.epoch)
            call.add(stamp.sequence)
        } else {
            for _ in 0..<3 { call.addNothing() }
        }
        call.add(request.sequence.map { "+" + $0 })
        call.add(request.claim?.text)
        call.add(request.end)
        call.add(request.events, cut: configuration.runs)
        return call
    }

    /// Counts what it changed of what the store holds.
    private func add(_ kept: AppendReply.Kept, of request: AppendRequest) {
        count.add(
            bytes: StoreLimits.cost(of: request.events) - kept.takenBytes
                - kept.takenEvents * StoreLimits.eventOverhead + kept.newProducers * StoreLimits.producerOverhead
        )
    }

    /// It is durable: tells this node's watchers, and says what it came to.
    private func acknowledge(_ name: StreamName, _ request: AppendRequest, _ reply: AppendReply) -> AppendOutcome {
        guard case .kept(let kept) = reply else {
            guard case .other(let outcome, _) = reply else { return .notFound }
            return outcome
        }
        watchers.tell(name, news(of: kept, request.events))
        let producer = request.producer.map { ProducerState(epoch: $0.epoch, sequence: $0.sequence) }
        return .appended(tail: kept.tail, end: kept.end, producer: producer)
    }

    private func news(of kept: AppendReply.Kept, _ events: EventBatch) -> [StreamNews] {
        let commit = StreamNews.Commit(previous: kept.previous, last: kept.tail, end: kept.end) {
            kept.first.map { EventRun(events, from: $0) } ?? []
        }
        return [.committed(commit)] + (kept.floor.map { [.trimmed(floor: $0)] } ?? [])
    }

    // MARK: Room

    /// Whether so many bytes more are within the bound, as far as this node knows.
    func fits(_ bytes: Int) -> Bool { count.usage.bytes + bytes <= configuration.limits.bytes }

    /// Whether there is room for an append, or the stream's own retention makes it.
    private func hasRoom(for request: AppendRequest, in name: StreamName) async throws(StoreError) -> Bool {
        let wanted = StoreLimits.cost(of: request.events)
        if request.events.isEmpty || request.isWithheld || fits(wanted) { return true }
        guard let stream = try await stream(name), stream.info.options.retention != .everything else { return false }
        return fits(wanted - (try await costTaken(of: stream.info, byKeeping: request.events)))
    }

    /// What retention would give back of what is kept now, if these events came. By age nothing: that is swept.
    private func costTaken(of info: StreamInfo, byKeeping new: EventBatch) async throws(StoreError) -> Int {
        let rule = info.options.retention
        var events = info.events + new.count
        var bytes = info.bytes + new.size
        var cost = 0
        var position = ReadPosition.start
        while let page = try await runs(info.name, from: position, limit: PageLimit(events: 1000, bytes: 1 << 20)) {
            for run in page.runs {
                let taken = run.field
                // A run goes as a whole, when what is left is enough.
                let isOver =
                    rule.events.map { events - taken.events >= $0 && events > $0 } ?? false
                    || rule.bytes.map { taken.events == 1 ? bytes > $0 : bytes - taken.bytes >= $0 } ?? false
                guard isOver else { return cost }
                events -= taken.events
                bytes -= taken.bytes
                cost += taken.bytes + taken.events * StoreLimits.eventOverhead
            }
            guard let last = page.runs.last?.last else { break }
            position = .after(last)
        }
        return cost
    }
}

@available(freshet 0.1, *)
extension AppendReply {
    fileprivate var lag: Offset? {
        switch self {
        case .kept(let kept): kept.lag
        case .other(_, let lag): lag
        case .endedBeyondClaim: nil
        }
    }
}
