import Locks
package import StreamCore

/// What time does to streams, whichever node comes by.
@available(freshet 0.1, *)
extension RedisStreamStore {
    /// Does what is due for streams: ends those whose lease ran out, takes those whose time is over, trims by age. All nodes
    /// do, each a part at a time; what is due is done once.
    package func sweep() async throws(StoreError) {
        guard sweeper.begin() else { return }
        defer { sweeper.finish() }
        for shard in (0..<StreamKeys.dueShards).shuffled() { try await sweep(shard) }
    }

    private func sweep(_ shard: Int) async throws(StoreError) {
        let due = keys.due(shard)
        while true {
            var take = FunctionCall("freshet1_due_take", keys: [due, due + ":t".utf8], at: now)
            take.add(Sweeper.portion)
            take.add(Int(Sweeper.hold / .milliseconds(1)))
            let taken = try await caller.call(take, .writes).elements
            guard taken.count > 1 else { return }
            var streams: [(name: StreamName, token: [UInt8])] = []
            for index in stride(from: 0, to: taken.count - 1, by: 2) {
                guard let text = taken[index].text, let name = try? StreamName(text), let token = taken[index + 1].bytes
                else { throw .damagedReply }
                streams.append((name, token))
            }
            let replies = try await caller.call(streams.map { settleCall($0.name, asking: true) }, .writes)
            activityCount.swept(streams.count)
            var failure: StoreError?
            for (stream, reply) in zip(streams, replies) {
                do throws(StoreError) {
                    let next = try await settledAndTold(stream.name, try reply.get())
                    var call = FunctionCall("freshet1_due_settled", keys: [due, due + ":t".utf8], at: now)
                    call.add(stream.name.text)
                    call.add(stream.token)
                    call.add(next)
                    _ = try await caller.call(call, .writes)
                } catch {
                    // It is due again when it has been held for long enough.
                    failure = error
                }
            }
            if let failure { throw failure }
            guard streams.count == Sweeper.portion else { return }
        }
    }

    /// The same, when somebody is to be told of what comes of it.
    private func settledAndTold(_ name: StreamName, _ reply: Reply) async throws(StoreError) -> Int? {
        guard reply.word == "tell" else { return try await settled(name, reply) }
        let entered = entering(name)
        let next = try await settled(name, try await caller.call(settleCall(name, asking: false), .writes))
        await list(name, entered: entered)
        return next
    }

    /// - Parameter isAsking: whether somebody is to be told of what comes of it, before anything does.
    private func settleCall(_ name: StreamName, asking isAsking: Bool) -> FunctionCall {
        var call = function("freshet1_settle", of: name, [":m", ":s", ":t", ":o"])
        call.add(isAsking && isTold(of: name) ? "\(mode) \(OutboxNotice.question)" : callMode(notice(of: name)))
        call.add(node.trustedSince.map { String($0) })
        let seen = sweeper.seen(name)
        call.add(seen?.version)
        call.add(seen.map { Int($0.time / .milliseconds(1)) } ?? 0)
        let expected = configuration.serverClock == nil ? node.expectedTime : nil
        call.add(expected.map { String($0) })
        call.add(expected.map { _ in String(configuration.time.wallMilliseconds()) })
        return call
    }

    /// Takes what came of it, and returns in how many milliseconds something may be due again; nil for never.
    private func settled(_ name: StreamName, _ reply: Reply) async throws(StoreError) -> Int? {
        if reply.word != "waiting" { sweeper.forget(name) }
        switch reply.word {
        case "none":
            // Somebody may be making it.
            return try await drop(name, version: "", age: .seconds(60)) ? nil : 60_000
        case "removed":
            let isSoft = try read { () throws(ReplyDamage) in try reply.integer(7) == 1 }
            _ = try await removed(name, .expired, reply)
            return isSoft ? Int(Sweeper.graveInterval / .milliseconds(1)) : nil
        case "abandoned":
            let (end, previous, lag, next) = try read { () throws(ReplyDamage) in
                (try reply.end(1), try reply.offset(2), try reply.optionalOffset(3), try reply.optionalInteger(4))
            }
            if let lag { try await confirmEnd(of: name, lag, over: reply.connection) }
            watchers.tell(
                name,
                [.committed(StreamNews.Commit(previous: previous, last: previous, end: end) { [] })]
            )
            return next
        case "behind":
            let (next, lag) = try read { () throws(ReplyDamage) in (try reply.optionalInteger(1), try reply.offset(2)) }
            try await confirmEnd(of: name, lag, over: reply.connection)
            return next
        case "waiting":
            let (next, version) = try read { () throws(ReplyDamage) in (try reply.integer(1), try reply.text(2)) }
            sweeper.wait(name, version: version)
            return next
        case "trimmed":
            let (next, floor, events, bytes) = try read { () throws(ReplyDamage) in
                (try reply.optionalInteger(1), try reply.offset(3), try reply.integer(4), try reply.integer(5))
            }
            let version = try read { () throws(ReplyDamage) in try reply.text(2) }
            if !version.isEmpty { sweeper.wait(name, version: version) }
            count.add(bytes: -bytes - events * StoreLimits.eventOverhead)
            watchers.tell(name, [.trimmed(floor: floor)])
            return next
        case "gone":
            let (next, forks) = try read { () throws(ReplyDamage) in
                var forks: [(StreamName, String)] = []
                for index in stride(from: 2, to: reply.elements.count - 2, by: 3) {
                    guard let target = try? StreamName(try reply.text(index)) else { throw ReplyDamage() }
                    if try reply.integer(index + 2) > Sweeper.staleFork {
                        forks.append((target, try reply.text(index + 1)))
                    }
                }
                return (try reply.integer(1), forks)
            }
            try await sweepForks(of: name, forks)
            return next
        default:
            return try read { () throws(ReplyDamage) in try reply.optionalInteger(1) }
        }
    }

    /// The stream is not due any more, so that nobody comes by again for its end: what cannot be confirmed now is left where `heal`
    /// finds it.
    private func confirmEnd(of name: StreamName, _ lag: Offset, over connection: UInt64?) async throws(StoreError) {
        durable.note(name)
        do throws(StoreError) {
            try await durable.cover(name, lag, over: connection)
        } catch {
            durable.leave(name, isConfirmed: false)
            throw error
        }
        durable.leave(name, isConfirmed: true)
    }

    package func touch(_ name: StreamName) { use(name, held: .zero) }

    package func hold(_ name: StreamName, for duration: Duration) { use(name, held: duration) }

    private func use(_ name: StreamName, held: Duration) {
        var call = function("freshet1_touch", of: name, [":m"])
        call.add(Int(held / .milliseconds(1)))
        caller.begin(call, .writes) { _ in }
    }

    /// A stream was read: a use, which is told to Redis as often as it takes for it not to expire.
    func noteRead(_ name: StreamName, _ expiry: StreamOptions.Expiry?) {
        guard case .idle(let seconds) = expiry else { return }
        let part = configuration.useGrain > 0 ? Duration.seconds(seconds) / configuration.useGrain : .zero
        if uses.withLock({ $0.isNews(of: name, at: configuration.time.monotonic(), within: part) }) { touch(name) }
    }
}
