package import StreamCore

/// The outbox that all nodes share.
@available(freshet 0.1, *)
extension RedisStreamStore: Outbox {
    package var isOutboxShared: Bool { true }

    package func followOutbox(_ listener: @escaping @Sendable ([OutboxEntry]) -> Void) { outbox.follow(listener) }

    package func leaveOutbox() async { try? await giveUpTelling() }

    package func outboxEntries(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxEntry] {
        var found: [OutboxEntry] = []
        var last = number
        while found.count < limit {
            let rows = try await rows(after: last, limit: min(limit - found.count, 1000))
            guard let end = rows.last?.number else { break }
            found += try await entries(rows)
            last = end
        }
        return found
    }

    package func outboxEntryToTell(_ number: Int64) async throws(StoreError) -> OutboxEntry? {
        guard outbox.leads(as: node.session) else { return nil }
        guard let row = try await row(number) else { return nil }
        return try await entries([row]).first { $0.failure == nil }
    }

    package func outboxContent(of number: Int64) async throws(StoreError) -> EventRun? {
        guard let row = try await row(number) else { return nil }
        var command = RedisCommand("HGET")
        command.add(keys.base(of: row.stream) + ":o".utf8)
        command.add("c:\(row.id)")
        guard let bytes = try await caller.send([command], .reads).first?.bytes else { return nil }
        guard let events = try? OutboxFields.content(bytes) else {
            throw .damaged("The content of the call \(row.id) is not one of this version.")
        }
        return events
    }

    package func changeOutbox(_ number: Int64, _ change: OutboxChange) async throws(StoreError) -> Bool {
        guard let row = try await row(number) else { return false }
        var call = function("freshet1_outbox_change", of: row.stream, [":o"])
        call.add(row.id)
        let word: String
        switch change {
        case .remove: word = "remove"
        case .fail: word = "fail"
        case .retry: word = "retry"
        }
        call.add(word)
        if case .fail(let reason) = change { call.add(reason) }
        let reply = try await caller.call(call, .writes)
        let isThere = try read { () throws(ReplyDamage) in try reply.integer(0) } == 1
        // A row is taken away after its entry: one that is left over is found by whoever reads it.
        try await self.change(row, isThere ? word : "remove")
        if isThere, change == .retry, outbox.leads(as: node.session) { try await tellAgain() }
        return isThere
    }

    package var outboxUsage: OutboxUsage { outbox.usage }

    private func row(_ number: Int64) async throws(StoreError) -> OutboxRow? {
        guard number > 0, let row = try await rows(after: number - 1, limit: 1).first, row.number == number else {
            return nil
        }
        return row
    }
}
