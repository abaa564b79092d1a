import Locks
import StreamCore

/// What nodes do for each other.
@available(freshet 0.1, *)
extension RedisStreamStore {
    /// Says that this node lives, and buries those that have been silent for too long.
    func beatSession() async throws(StoreError) {
        // One that was found dead goes on as another one at once.
        while try await !beatOnce() {}
    }

    /// False when the session is over.
    private func beatOnce() async throws(StoreError) -> Bool {
        let (session, isFirst) = node.beat
        var call = FunctionCall("freshet1_session_beat", keys: [keys.beats, keys.buried, keys.reports], at: now)
        call.add(NodeSession.text(session))
        call.add(isFirst ? "1" : nil)
        if let (report, age) = node.report {
            call.add(report.json)
            call.add(UInt64(age / .milliseconds(1)))
        }
        let reply = try await caller.call(call, .writes)
        guard reply.word == "alive" else {
            wasBuried(session)
            return false
        }
        if isFirst { try await tellName() }
        let (now, beats, buried) = try read { () throws(ReplyDamage) in
            (try reply.unsigned(1), try reply.list(2), try reply.list(3).compactMap(\.text))
        }
        var counts: [(session: String, count: String)] = []
        for index in stride(from: 0, to: beats.count - 1, by: 2) {
            guard let session = beats[index].text, let count = beats[index + 1].text else { throw .damagedReply }
            counts.append((session, count))
        }
        for (session, count) in node.heard(counts, at: now) {
            let all = [keys.beats, keys.buried, keys.reports]
            var call = FunctionCall("freshet1_session_bury", keys: all, at: self.now)
            call.add(session)
            call.add(count)
            let reply = try await caller.call(call, .writes)
            guard try read({ () throws(ReplyDamage) in try reply.integer(0) }) == 1 else { continue }
            activityCount.buried()
            try await release(session)
        }
        for session in buried { try await release(session) }
        return true
    }

    /// The others found this node dead. Whoever is at work here learns that it may not go on.
    func wasBuried(_ session: UInt64) {
        for (claim, name) in node.bury(session) { watchers.tell(name, [.superseded(claim)]) }
        // Where nobody was silent, Redis has lost what it held, and the streams with it (`FLUSHALL`).
        watchers.readAgain()
    }

    private func tellName() async throws(StoreError) {
        guard let name = configuration.nodeName else { return }
        var command = RedisCommand("HSET")
        command.add(keys.nodeNames)
        command.add(NodeSession.text(node.session))
        command.add(name)
        _ = try await caller.send([command], .writes)
    }

    /// Takes what a buried session had begun, wherever it was at work.
    private func release(_ session: String) async throws(StoreError) {
        var done: [String] = []
        while true {
            var call = FunctionCall("freshet1_session_release", keys: [keys.buried, keys.claims(of: session)], at: now)
            call.add(session)
            for entry in done { call.add(entry) }
            done = try await caller.call(call, .writes).elements.compactMap(\.text)
            if done.isEmpty { break }
            // `<number> <name>`, once for each claim.
            for name in Set(done.compactMap { try? StreamName(String($0.drop { $0 != " " }.dropFirst())) }) {
                try await release(session, of: name)
            }
        }
        var command = RedisCommand("HDEL")
        command.add(keys.nodeNames)
        command.add(session)
        _ = try await caller.send([command], .writes)
    }

    private func release(_ session: String, of name: StreamName) async throws(StoreError) {
        func call(_ mode: String) -> FunctionCall {
            var call = function("freshet1_release", of: name, [":m", ":s", ":o"])
            call.add(mode)
            call.add(session)
            call.addNothing()
            call.add(StreamClaim.interruption)
            return call
        }
        var entered: Task<Int?, Never>?
        var reply = try await caller.call(call(isTold(of: name) ? "\(mode) \(OutboxNotice.question)" : mode), .writes)
        if reply.word == "tell" {
            entered = entering(name)
            reply = try await caller.call(call(callMode(notice(of: name))), .writes)
        }
        guard reply.word == "released" else { return await list(name, entered: entered) }
        let (due, lag) = try read { () throws(ReplyDamage) in
            (try reply.optionalInteger(1), try reply.optionalOffset(3))
        }
        if let lag { try await durable.cover(name, lag, over: reply.connection) }
        if let due { _ = try await caller.call(dueCall(name, after: .milliseconds(due)), .writes) }
        await list(name, entered: entered)
    }

    // MARK: What a node left unconfirmed

    /// Confirms what a node kept that did not come to confirm it.
    ///
    /// A node that is at it takes less than a second; it finds what is confirmed already.
    func heal() async throws(StoreError) {
        guard configuration.replicas > 0, isAtOneMaster else { return }
        let commands = (0..<StreamKeys.unconfirmedShards).map { shard in
            var command = RedisCommand("SRANDMEMBER")
            command.add(keys.unconfirmed(shard))
            command.add(1000)
            return command
        }
        var names: Set<StreamName> = []
        for value in try await reader.send(commands, .reads) {
            for text in (value.elements ?? []).compactMap(\.text) {
                if let name = try? StreamName(text), !durable.isNoted(name) { names.insert(name) }
            }
        }
        let before = unconfirmed.withLock { before in
            defer { before = names }
            return before
        }
        for name in names.intersection(before) { try await confirm(name) }
    }

    /// Whether what is read and what is written is at one Redis. For a moment after a failover it need not be, and then what
    /// is found confirmed at the one says nothing of the other.
    private var isAtOneMaster: Bool {
        guard let written = caller.link.session?.runID, let read = reader.link.session?.runID else { return false }
        return written == read
    }

    private func confirm(_ name: StreamName) async throws(StoreError) {
        while true {
            if let lag = try await standing(of: name).lag {
                durable.note(name)
                let result: Result<Void, StoreError>
                do throws(StoreError) {
                    // Whoever kept it: what is there now is confirmed, and nobody is told that more was kept.
                    try await durable.cover(name, lag, over: caller.connection)
                    result = .success(())
                } catch {
                    result = .failure(error)
                }
                durable.leave(name, isConfirmed: false)
                try result.get()
                continue
            }
            guard isAtOneMaster else { return }
            // From here on whoever keeps something enters the name anew; what was kept just before is found by a last look.
            durable.forget(name)
            guard try await standing(of: name).lag != nil else { return }
            durable.note(name)
            durable.leave(name, isConfirmed: false)
        }
    }
}
