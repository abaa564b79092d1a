package import StreamCore

/// What time does to streams, whichever node comes by.
@available(freshet 0.1, *)
extension RedisStreamStore {
    package func trimByAge() async throws(StoreError) { try await sweep() }

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
            let replies = try await caller.call(streams.map { settleCall($0.name) }, .writes)
            var failure: StoreError?
            for (stream, reply) in zip(streams, replies) {
                do throws(StoreError) {
                    let next = try await settled(stream.name, try reply.get())
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

    private func settleCall(_ name: StreamName) -> FunctionCall {
        var call = function("freshet1_settle", of: name, [":m", ":s", ":t"])
        call.add(mode)
        call.add(node.trustedSince.map { String($0) })
        let seen = sweeper.seen(name)
        call.add(seen?.version)
        call.add(seen.map { Int($0.time / .milliseconds(1)) } ?? 0)
        return call
    }

    /// Takes what came of it, and returns in how many milliseconds something may be due again; nil for never.
    private func settled(_ name: StreamName, _ reply: Reply) async throws(StoreError) -> Int? {
        if reply.word != "waiting" { sweeper.forget(name) }
        switch reply.word {
        case "none": return nil
        case "removed":
            let isSoft = try read { () throws(ReplyDamage) in try reply.integer(7) == 1 }
            _ = try await removed(name, .expired, reply)
            return isSoft ? Int(Sweeper.graveInterval / .milliseconds(1)) : nil
        case "abandoned":
            let (end, previous, lag, next) = try read { () throws(ReplyDamage) in
                (try reply.end(1), try reply.offset(2), try reply.optionalOffset(3), try reply.optionalInteger(4))
            }
            if let lag { try await durable.cover(name, lag) }
            watchers.tell(
                name,
                [.committed(StreamNews.Commit(previous: previous, last: previous, end: end) { [] })]
            )
            return next
        case "waiting":
            let (next, version) = try read { () throws(ReplyDamage) in (try reply.integer(1), try reply.text(2)) }
            sweeper.wait(name, version: version)
            return next
        case "trimmed":
            let (next, floor, events, bytes) = try read { () throws(ReplyDamage) in
                (try reply.optionalInteger(1), try reply.offset(3), try reply.integer(4), try reply.integer(5))
            }
            count.add(bytes: -bytes - events * StoreLimits.eventOverhead)
            watchers.tell(name, [.trimmed(floor: floor)])
            return next
        case "gone":
            let (next, targets) = try read { () throws(ReplyDamage) in
                (try reply.optionalInteger(1), reply.elements.dropFirst(2).compactMap(\.text))
            }
            try await sweepForks(of: name, targets.compactMap { try? StreamName($0) })
            return next ?? Int(Sweeper.graveInterval / .milliseconds(1))
        default:
            return try read { () throws(ReplyDamage) in try reply.optionalInteger(1) }
        }
    }

    package func touch(_ name: StreamName) {
        var call = function("freshet1_touch", of: name, [":m"])
        call.add(0)
        caller.begin(call, .writes) { _ in }
    }
}
