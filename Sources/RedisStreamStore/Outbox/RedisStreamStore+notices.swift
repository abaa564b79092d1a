import StreamCore

/// Keeping what somebody is to be told.
///
/// The function that ends a stream, or takes it away, writes that beside the stream. Then it is listed, in another slot: a
/// name is entered there before, and left after that, so that what a node left halfway is found by the one that tells.
@available(freshet 0.1, *)
extension RedisStreamStore {
    /// How long a call that ends a stream may take, until what lies beside it is looked for.
    private static let patience: Duration = .seconds(15)

    /// Who is to be told if a call ends the stream, or takes it away; nil where nobody is.
    func notice(of name: StreamName, trace: String? = nil) -> OutboxNotice? {
        OutboxNotice(of: name, outbox.rules, backlog: outbox.usage.bytes, trace: trace)
    }

    /// The same of an end that is asked for; nil where none is.
    func notice(of name: StreamName, _ end: EndRequest?) -> OutboxNotice? {
        end.flatMap { notice(of: name, trace: $0.trace) }
    }

    /// Whether anybody is to be told of the stream.
    func isTold(of name: StreamName) -> Bool { !outbox.rules.receivers(of: name).isEmpty }

    /// The mode of a call that may leave something to be told.
    func callMode(_ notice: OutboxNotice?) -> String { notice.map { "\(mode) \($0.text)" } ?? mode }

    /// Enters the name, before what is called next over this connection.
    func entering(_ name: StreamName) -> Task<Int?, Never> {
        let (result, continuation) = AsyncStream.makeStream(of: Int?.self)
        caller.begin(enterCall(name, in: Self.patience), .writes) { reply in
            continuation.yield(try? reply.get().integer(0))
            continuation.finish()
        }
        return Task {
            for await moment in result { return moment }
            return nil
        }
    }

    private func enterCall(_ name: StreamName, in time: Duration) -> FunctionCall {
        var call = FunctionCall("freshet1_outbox_enter", keys: [keys.outboxEntered], at: now)
        call.add(name.text)
        call.add(Int(time / .milliseconds(1)))
        return call
    }

    /// Lists what an end has left beside the stream. What cannot be listed now is found later.
    func list(_ name: StreamName, entered: Task<Int?, Never>?) async {
        guard let entered else { return }
        let moment = await entered.value
        do throws(StoreError) {
            try await list(name, entered: moment)
            if outbox.mayLead(as: node.session) { try await lookForEntries() }
        } catch {
            return
        }
    }

    /// - Parameter entered: as what the name was entered, which it is no more then.
    func list(_ name: StreamName, entered: Int?) async throws(StoreError) {
        let question = FunctionCall(
            "freshet1_outbox_unlisted",
            reading: true,
            base: keys.base(of: name),
            [":o", ":m"],
            at: now
        )
        let found = try await caller.call(question, .reads)
        guard found.word == "unlisted" else {
            // It ended, and nobody has confirmed that yet.
            _ = try await caller.call(enterCall(name, in: Self.patience / 3), .writes)
            return
        }
        var list = FunctionCall(
            "freshet1_outbox_list",
            keys: [keys.outboxRows, keys.outboxCosts, keys.outboxFailed, keys.outboxEntered],
            at: now
        )
        list.add(name.text)
        list.add(entered)
        var listed = function("freshet1_outbox_listed", of: name, [":o"])
        var omissions: [OutboxEntry.Omission] = []
        for index in stride(from: 1, to: found.elements.count, by: 3) {
            let (id, cost, omission) = try read { () throws(ReplyDamage) in
                (try found.text(index), try found.text(index + 1), try found.text(index + 2))
            }
            list.add(id)
            list.add(cost)
            listed.add(id)
            if let omission = OutboxEntry.Omission(rawValue: omission) { omissions.append(omission) }
        }
        try noteSums(try await caller.call(list, .writes))
        guard found.elements.count > 1 else { return }
        for omission in omissions { outbox.omitted(omission) }
        _ = try await caller.call(listed, .writes)
    }

    func noteSums(_ reply: Reply) throws(StoreError) {
        guard reply.word == "sums" else { throw .damagedReply }
        let (bytes, entries, failed) = try read { () throws(ReplyDamage) in
            (try reply.integer(1), try reply.integer(2), try reply.integer(3))
        }
        outbox.came(to: entries, bytes: max(0, bytes), failed: failed)
    }
}
