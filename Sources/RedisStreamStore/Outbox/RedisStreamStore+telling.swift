import StreamCore

/// One node tells for all: a session that stands in Redis until it gives that up, or is found dead.
///
/// Another takes over when it does not hear of that session any more. For a moment both may tell, and whoever is told may
/// hear something twice, as after every restart; an entry that was taken is told by nobody.
@available(freshet 0.1, *)
extension RedisStreamStore {
    private static let page = 1000

    /// What a node does with each beat: learns what waits, and where it is the one that tells, looks for what is new.
    func beatOutbox() async throws(StoreError) {
        // Of what hooks of before were to be told the start knows by this.
        try await lookAtOutbox()
        guard outbox.leads(as: node.session) else { return }
        try await findUnlisted()
        try await tellNew()
        try await tellAgain()
    }

    /// The same for what this node has just listed.
    func lookForEntries() async throws(StoreError) {
        if !outbox.leads(as: node.session) { try await lookAtOutbox() }
        if outbox.leads(as: node.session) { try await tellNew() }
    }

    /// Learns what waits, and who tells; takes over from one that is dead.
    private func lookAtOutbox() async throws(StoreError) {
        let keys = [keys.outboxRows, keys.outboxCosts, keys.outboxFailed, keys.outboxLeader]
        let reply = try await caller.call(FunctionCall("freshet1_outbox_look", keys: keys, at: now), .reads)
        try noteSums(reply)
        guard outbox.isFollowed else { return }
        let leader = try read { () throws(ReplyDamage) in try reply.text(4) }
        let session = node.session
        var isLeading = leader == NodeSession.text(session)
        // A session that Redis has not heard of would be dead for all others.
        if !isLeading, !node.beat.isFirst, try await !isAlive(leader) {
            isLeading = try await lead(NodeSession.text(session), insteadOf: leader)
        }
        outbox.note(isLeading: isLeading, as: session)
    }

    /// Whether nobody has buried a session. It was there before it could lead, so that one that has just come is not taken for dead.
    private func isAlive(_ session: String) async throws(StoreError) -> Bool {
        guard !session.isEmpty else { return false }
        var command = RedisCommand("HEXISTS")
        command.add(keys.beats)
        command.add(session)
        return try await caller.send([command], .reads).first?.integer == 1
    }

    private func lead(_ session: String, insteadOf leader: String) async throws(StoreError) -> Bool {
        var call = FunctionCall("freshet1_outbox_lead", keys: [keys.outboxLeader], at: now)
        call.add(leader)
        call.add(session)
        let reply = try await caller.call(call, .writes)
        return try read { () throws(ReplyDamage) in try reply.text(0) } == session
    }

    /// Lists what nodes have left beside streams that ended.
    private func findUnlisted() async throws(StoreError) {
        var call = FunctionCall("freshet1_outbox_due", keys: [keys.outboxEntered], at: now)
        call.add(Self.page)
        let due = try await caller.call(call, .reads).elements
        for index in stride(from: 0, to: due.count - 1, by: 2) {
            guard let name = due[index].text.flatMap({ try? StreamName($0) }), let moment = due[index + 1].text else {
                throw .damagedReply
            }
            do throws(StoreError) {
                try await list(name, entered: Int(moment))
            } catch {
                // One that is damaged keeps nobody else from being told.
                guard case .damaged = error else { throw error }
            }
        }
    }

    /// Tells of what was listed since this was last done.
    private func tellNew() async throws(StoreError) {
        let session = node.session
        let connection = caller.connection
        while true {
            let rows = try await rows(after: outbox.last(over: connection), limit: Self.page)
            guard let last = rows.last?.number, caller.connection == connection else { return }
            let entries = try await entries(rows).filter { $0.failure == nil }
            outbox.tell(entries, through: last, over: connection, as: session)
            guard rows.count == Self.page, outbox.leads(as: session) else { return }
        }
    }

    /// Tells of what somebody wants told now, at whichever node.
    func tellAgain() async throws(StoreError) {
        let call = FunctionCall("freshet1_outbox_again", keys: [keys.outboxAgain, keys.outboxRows], at: now)
        let reply = try await caller.call(call, .writes)
        let rows = try read { () throws(ReplyDamage) in try OutboxRow.read(reply.elements) }
        outbox.tellAgain(try await entries(rows).filter { $0.failure == nil })
    }

    // MARK: Reading

    func rows(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxRow] {
        var call = FunctionCall("freshet1_outbox_rows", keys: [keys.outboxRows], at: now)
        call.add(UInt64(max(0, number)))
        call.add(limit)
        let reply = try await caller.call(call, .reads)
        return try read { () throws(ReplyDamage) in try OutboxRow.read(reply.elements) }
    }

    /// What the rows stand for. A row without an entry is one of which only a half reached this master: it is taken away.
    func entries(_ rows: [OutboxRow]) async throws(StoreError) -> [OutboxEntry] {
        guard !rows.isEmpty else { return [] }
        let commands = rows.map { row in
            var command = RedisCommand("HMGET")
            command.add(keys.base(of: row.stream) + ":o".utf8)
            command.add("e:\(row.id)")
            command.add("s:\(row.id)")
            return command
        }
        var entries: [OutboxEntry] = []
        for (row, value) in zip(rows, try await caller.send(commands, .reads)) {
            guard let fields = value.elements, fields.count == 2 else { throw .damagedReply }
            guard let said = fields[0].bytes else {
                try await change(row, "remove")
                continue
            }
            // One that is damaged keeps nobody else from being told.
            if let entry = try? OutboxFields.entry(row, said: said, state: fields[1].bytes) { entries.append(entry) }
        }
        return entries
    }

    /// Changes the row of an entry, and learns what all come to.
    func change(_ row: OutboxRow, _ change: String) async throws(StoreError) {
        var call = FunctionCall(
            "freshet1_outbox_row",
            keys: [keys.outboxRows, keys.outboxCosts, keys.outboxFailed, keys.outboxAgain],
            at: now
        )
        call.add(row.text)
        call.add(change)
        try noteSums(try await caller.call(call, .writes))
    }

    /// Another node may tell from now on.
    func giveUpTelling() async throws(StoreError) {
        let session = node.session
        guard outbox.unfollow(as: session) else { return }
        _ = try await lead("", insteadOf: NodeSession.text(session))
    }
}
