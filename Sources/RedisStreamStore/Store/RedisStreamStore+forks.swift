import StreamCore

/// Forks: copies, made in steps of which nobody sees any before the last.
///
/// The source notes the fork before anything is copied, so that a source that is taken away meanwhile stays known for it. The
/// copy is built under a key of the target's slot that is gone a minute after the last step, and one function makes a stream
/// of it. A fork that was not made in the end is taken from its source by whoever sweeps that.
@available(freshet 0.1, *)
extension RedisStreamStore {
    /// How often a fork begins anew whose source changed under it.
    private static let attempts = 8
    /// How long a copy may take. Whoever sweeps a source takes one for dead after ten minutes.
    private static let patience: Duration = .seconds(300)

    func fork(
        _ name: StreamName,
        _ fork: ForkRequest,
        _ request: CreateRequest
    ) async throws(StoreError) -> CreateOutcome {
        // Of what is there nothing is copied.
        switch try await standing(of: name) {
        case .gone: return .gone
        case .there(let stream): return CreateOutcome(stream.info, askedFor: request, createdWith: stream.createdWith)
        case .none, .pending: break
        }
        for _ in 0..<Self.attempts {
            if let outcome = try await attempt(name, fork, request) { return outcome }
        }
        throw .unavailable("The source of the fork changes faster than it can be copied.")
    }

    /// Nil when the source changed meanwhile.
    private func attempt(
        _ name: StreamName,
        _ fork: ForkRequest,
        _ request: CreateRequest
    ) async throws(StoreError) -> CreateOutcome? {
        let source: StreamInfo
        let origin: Offset
        let standing = try await standing(of: fork.source)
        switch standing {
        case .there(let stream): (source, origin) = (stream.info, stream.origin)
        case .gone: return .forkRefused(.sourceGone)
        case .none: return .forkRefused(.sourceNotFound)
        case .pending(_, _):
            _ = try standing.visible(fork.source)
            return .forkRefused(.sourceNotFound)
        }
        let forking = ForkStanding(options: source.options, floor: source.floor, tail: source.tail, end: source.end)
        let options = forking.options(request.options, for: fork)
        if let refusal = forking.refusal(of: fork, with: options) { return .forkRefused(refusal) }
        // The tail is that of this moment, whatever is appended while the copy is made.
        let point = fork.point == .now ? ReadPosition.after(source.tail) : fork.point
        let kind = source.options.contentType.kind
        guard let located = try await events(fork, from: point, kind: kind), located.floor == source.floor else {
            return nil
        }
        if let refusal = forking.refusal(of: fork, at: located.standing) { return .forkRefused(refusal) }
        guard let cut = ForkCut(located.events, beyond: fork.beyond, kind: kind) else {
            return .forkRefused(.badSubOffset)
        }
        let last = cut.whole == 0 ? located.after : located.events[cut.whole - 1].offset

        let nonce = String(UInt64.random(in: .min ... .max), radix: 16)
        let deadline = configuration.time.monotonic() + Self.patience
        guard try await enterFork(of: source, name, nonce) else { return nil }
        let outcome: CreateOutcome?
        do throws(StoreError) {
            outcome = try await copy(
                ForkPlan(
                    source: source,
                    origin: origin,
                    last: last,
                    part: cut.part,
                    options: options,
                    nonce: nonce,
                    fork: fork,
                    deadline: deadline
                ),
                to: name,
                request
            )
        } catch {
            // It may have been made, if the answer was lost; then the entry stays, and whoever sweeps the source looks.
            if case .outcomeUnknown = error { throw error }
            await leaveFork(of: fork.source, name, nonce)
            throw error
        }
        if case .created = outcome { return outcome }
        await leaveFork(of: fork.source, name, nonce)
        return outcome
    }

    private func enterFork(of source: StreamInfo, _ name: StreamName, _ nonce: String) async throws(StoreError) -> Bool
    {
        var call = function("freshet1_fork_enter", of: source.name, [":m"])
        call.add(source.birth)
        call.add(name.text)
        call.add(nonce)
        // So that somebody looks after the forks of a source that has no times of its own.
        let replies = try await caller.call([dueCall(source.name, after: Sweeper.graveInterval), call], .writes)
        _ = try replies[0].get()
        return try replies[1].get().word == "entered"
    }

    private func leaveFork(of source: StreamName, _ name: StreamName, _ nonce: String) async {
        _ = try? await leave(source: source, name, nonce)
    }

    /// The events behind the point of a fork, as many as are needed to find where it is cut.
    private func events(
        _ fork: ForkRequest,
        from point: ReadPosition,
        kind: ContentType.Kind
    ) async throws(StoreError) -> (standing: Page.Standing, floor: Offset, after: Offset, events: [StreamEvent])? {
        guard let first = try await runs(fork.source, from: point, limit: PageLimit(events: 1)) else { return nil }
        var events: [StreamEvent] = []
        var size = 0
        var position = ReadPosition.after(first.after)
        while (kind == .json ? events.count : size) < fork.beyond {
            guard let page = try await read(fork.source, from: position, limit: PageLimit(events: fork.beyond + 1)),
                page.standing == .exact
            else { return nil }
            events += page.events
            size += page.events.reduce(0) { $0 + $1.body.size }
            if page.isAtTail { break }
            position = .after(page.last)
        }
        return (first.standing, first.floor, first.after, events)
    }

    private struct ForkPlan {
        var source: StreamInfo
        /// Where the source begins, and so the fork.
        var origin: Offset
        /// The last event that the fork shares as a whole.
        var last: Offset
        /// The part of the next one that it gets.
        var part: EventBody?
        var options: StreamOptions
        var nonce: String
        var fork: ForkRequest
        var deadline: Duration

        var memory: ForkOrigin {
            ForkStanding(options: source.options, floor: source.floor, tail: source.tail, end: source.end).origin(
                of: fork
            )
        }
    }

    private func copy(
        _ plan: ForkPlan,
        to name: StreamName,
        _ request: CreateRequest
    ) async throws(StoreError) -> CreateOutcome? {
        guard let built = try await build(plan, name) else { return nil }
        guard configuration.time.monotonic() < plan.deadline else {
            throw .unavailable("The fork took too long to be copied.")
        }
        let own = EventBatch([plan.part].compactMap(\.self) + Array(request.events))
        if let refusal = plan.fork.refusal(ofBytes: built.bytes + own.size) { return .forkRefused(refusal) }
        let cost = StoreLimits.cost(events: built.events, bytes: built.bytes, producers: 0)
        guard fits(cost + StoreLimits.cost(of: own)) else { throw .full(.bytes) }
        let version = try await enter(name, plan.options)
        let notice = notice(of: name, request.end)
        let entered = notice.map { _ in entering(name) }
        var call = function(
            "freshet1_fork",
            of: name,
            [":m", ":s", ":t", ":b:\(plan.nonce)"] + (notice == nil ? [] : [":o"]),
            reserving: 512 + own.size
        )
        call.addCreation(mode: callMode(notice), version: version, name, plan.options, request.end)
        call.add(built.runs)
        call.add(built.events)
        call.add(built.bytes)
        call.add(built.events == 0 ? plan.source.floor : plan.last)
        call.add(plan.source.floor)
        call.add(plan.origin)
        call.add(plan.memory.blob(nonce: plan.nonce))
        call.add(own, cut: configuration.runs)
        let reply = try await caller.call(call, .writes)
        let outcome = reply.word == "lost" ? nil : try await created(name, request, reply)
        await list(name, entered: entered)
        return outcome
    }

    /// Copies the runs of the source; nil when it changed meanwhile.
    private func build(
        _ plan: ForkPlan,
        _ name: StreamName
    ) async throws(StoreError) -> (runs: Int, events: Int, bytes: Int)? {
        var built = (runs: 0, events: 0, bytes: 0)
        var position = ReadPosition.after(plan.source.floor)
        while plan.last > plan.source.floor {
            guard
                let page = try await runs(
                    plan.source.name,
                    from: position,
                    limit: PageLimit(events: 4096, bytes: 1 << 20)
                ),
                page.standing == .exact
            else { return nil }
            var call = function(
                "freshet1_build",
                of: name,
                [":b:\(plan.nonce)"],
                reserving: 512 + page.runs.reduce(0) { $0 + $1.packed.count + 64 }
            )
            call.add(built.runs == 0 ? "1" : nil)
            var last: Offset?
            for run in page.runs where run.first <= plan.last {
                guard let (first, events) = Self.part(of: run, after: page.after, through: plan.last) else {
                    throw .damagedReply
                }
                guard !events.isEmpty else { continue }
                call.add(first.decimal)
                call.add(events)
                built.runs += 1
                built.events += events.count
                built.bytes += events.size
                last = first.advanced(by: events.count - 1)
            }
            guard let last else { return built.runs == 0 ? built : nil }
            let reply = try await caller.call(call, .writes)
            guard try read({ () throws(ReplyDamage) in try reply.integer(0) }) == built.runs else { return nil }
            if last == plan.last { return built }
            position = .after(last)
        }
        return built
    }

    /// The events of a run that lie between two offsets, and the offset of the first.
    private static func part(
        of run: PageReply.Run,
        after: Offset,
        through last: Offset
    ) -> (first: Offset, events: EventBatch)? {
        guard let batch = PackedRun.batch(of: run.field.events, in: run.packed[...]) else { return nil }
        var part = batch.indices
        while let first = part.first, run.first.advanced(by: first) <= after { part.removeFirst() }
        while let end = part.last, run.first.advanced(by: end) > last { part.removeLast() }
        return (run.first.advanced(by: part.lowerBound), batch[part])
    }

    /// A fork is gone: its source may go too, if it was only kept for it, and then the source of that.
    func leave(_ origin: [UInt8], _ name: StreamName) async throws(StoreError) {
        var (origin, name) = (origin, name)
        while !origin.isEmpty {
            let blob = origin
            let (memory, nonce) = try read { () throws(ReplyDamage) in try ForkOrigin.read(blob) }
            let source = memory.source
            origin = try await leave(source: source, name, nonce)
            name = source
        }
    }

    /// Returns where the source came from itself, when it is gone with its last fork.
    private func leave(
        source: StreamName,
        _ name: StreamName,
        _ nonce: String
    ) async throws(StoreError) -> [UInt8] {
        var call = function("freshet1_fork_leave", of: source, [":m"])
        call.add(name.text)
        call.add(nonce)
        let reply = try await caller.call(call, .writes)
        return reply.word == "left" ? reply[1]?.bytes ?? [] : []
    }

    /// A stream that is kept for its forks alone: forgets those of them that are gone, or were never made.
    func sweepForks(of source: StreamName, _ forks: [(target: StreamName, nonce: String)]) async throws(StoreError) {
        for (target, nonce) in forks {
            let standing = try await standing(of: target)
            // A fork that is gone and has forks itself is kept for them, and so is its source.
            if case .gone = standing { continue }
            if let stream = standing.stream, stream.info.forkedFrom?.source == source, stream.nonce == nonce {
                continue
            }
            let origin = try await leave(source: source, target, nonce)
            try await leave(origin, source)
        }
    }
}
