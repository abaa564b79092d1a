import Locks
package import StreamCore

/// Keeping what somebody is to be told, in the transaction that records the end.
@available(freshet 0.1, *)
extension Writer {
    /// Notes an end or an expiry, if there is anybody to be told. Of a stream that goes before it is changed.
    func note(
        _ occasion: OutboxEntry.Occasion,
        _ stream: WriterStream,
        trace: String? = nil,
        _ batch: inout Batch
    ) {
        let receivers = configuration.outbox.receivers(of: stream.row.name)
        guard !receivers.isEmpty else { return }
        let info = stream.info
        let cost = OutboxEntry.contentCost(events: info.events, bytes: info.bytes)
        let isWanted = cost <= configuration.outbox.contentBytes
        batch.notes.append(
            OutboxNote(
                occasion: occasion,
                stream: stream,
                info: info,
                receivers: receivers,
                trace: trace,
                effects: batch.effects.count,
                hasRoom: !isWanted || batch.takeRoom(forContent: cost * receivers.count)
            )
        )
    }

    func changeOutbox(_ number: Int64, _ change: OutboxChange, _ reply: Reply<Bool>, _ batch: inout Batch) {
        let isGone = batch.outboxChanges.contains { $0.number == number && $0.change == .remove }
        let isThere = outbox.rows[number] != nil && !isGone
        if isThere { batch.outboxChanges.append((number, change)) }
        batch.replies.append(.flag(reply, isThere))
    }

    // MARK: Writing

    /// Part of the transaction. What it comes to counts once that is kept.
    func writeOutbox(_ batch: Batch, _ head: inout HeadRow) throws(SQLiteError) {
        outbox.begin()
        for (number, change) in batch.outboxChanges { try write(change, of: number, &head) }
        for note in batch.notes {
            for receiver in note.receivers { try write(note, to: receiver, batch, &head) }
        }
    }

    private func write(
        _ note: OutboxNote,
        to receiver: String,
        _ batch: Batch,
        _ head: inout HeadRow
    ) throws(SQLiteError) {
        let info = note.info
        var content = configuration.outbox.standing(
            ofContent: info.bytes,
            events: info.events,
            beside: outbox.bytes
        )
        var events: EventRun?
        if content == .kept {
            if note.hasRoom {
                // An end is not refused because what came before it cannot be read.
                events = self.events(of: note, batch)
                if events == nil { content = .omitted(.damaged) }
            } else {
                content = .omitted(.disk)
            }
        }
        let number = head.nextOutboxRow
        let bytes = events.map { OutboxRow.content($0, after: info.floor, number: number) } ?? [0]
        let entry = OutboxEntry(
            note.occasion,
            of: info,
            to: receiver,
            number: number,
            at: time.wallMilliseconds(),
            trace: note.trace,
            content: content
        )
        let row = OutboxRow(entry, contentSum: events == nil ? 0 : Checksum.carried(by: bytes)).encoded
        statements.putOutbox.bind(1, number)
        statements.putOutbox.bind(2, row)
        statements.putOutbox.bind(3, bytes)
        try statements.putOutbox.run()
        let sum = Checksum.carried(by: row)
        outbox.add(entry, sum: sum)
        head.nextOutboxRow += 1
        head.outboxRows += 1
        head.outboxSum &+= UInt64(sum)
    }

    /// What the stream holds: what is committed, and what this commit adds to it. Nil where it cannot be read.
    private func events(of note: OutboxNote, _ batch: Batch) -> EventRun? {
        let stream = note.stream
        let walk = LogWalk(after: note.info.floor, from: stream.row.firstChunk, stream, statements)
        var found = EventBatch()
        var offsets: [Offset] = []
        while let kept = walk.next() {
            found.append(kept.event.body)
            offsets.append(kept.event.offset)
        }
        if walk.failure != nil { return nil }
        for case .committed(let changed, let item) in batch.effects.prefix(note.effects) where changed === stream {
            for event in item.events {
                found.append(event.body)
                offsets.append(event.offset)
            }
        }
        return offsets.count == note.info.events ? EventRun(found, at: offsets) : nil
    }

    private func write(_ change: OutboxChange, of number: Int64, _ head: inout HeadRow) throws(SQLiteError) {
        guard let standing = outbox[number] else { return }
        head.outboxSum &-= UInt64(standing.sum)
        if change == .remove {
            statements.deleteOutbox.bind(1, number)
            try statements.deleteOutbox.run()
            head.outboxRows -= 1
            return outbox.replace(number, with: nil)
        }
        var row = try outboxRow(number)
        switch change {
        case .remove: break
        case .fail(let reason): row.entry.failure = reason
        case .retry:
            row.entry.failure = nil
            row.entry.waitingSince = time.wallMilliseconds()
        }
        let bytes = row.encoded
        statements.updateOutbox.bind(1, bytes)
        statements.updateOutbox.bind(2, number)
        try statements.updateOutbox.run()
        let sum = Checksum.carried(by: bytes)
        head.outboxSum &+= UInt64(sum)
        outbox.replace(number, with: OutboxStanding(row.entry, sum: sum))
    }

    private func outboxRow(_ number: Int64) throws(SQLiteError) -> OutboxRow {
        statements.selectOutbox.bind(1, number)
        defer { statements.selectOutbox.reset() }
        guard try statements.selectOutbox.step(),
            let row = try? OutboxRow(statements.selectOutbox.bytes(0), number: number)
        else { throw .damagedRow("reading entry \(number) of the outbox") }
        return row
    }

    // MARK: After the commit

    func keepOutbox() {
        outbox.keep()
        shared.outboxUsage.withLock { [usage = outbox.usage] in $0 = usage }
    }

    func tellOutbox() {
        let entries = outbox.takeUntold()
        guard !entries.isEmpty else { return }
        shared.outboxListener.withLock(\.self)?(entries)
    }

    // MARK: Reading

    func listOutbox(after number: Int64, limit: Int) -> Result<[OutboxEntry], StoreError> {
        do throws(SQLiteError) {
            let select = statements.listOutbox
            defer { select.reset() }
            select.bind(1, number)
            select.bind(2, Int64(limit))
            var found: [OutboxEntry] = []
            while try select.step() {
                let number = select.integer(0)
                guard let row = try? OutboxRow(select.bytes(1), number: number) else {
                    throw SQLiteError.damagedRow("reading entry \(number) of the outbox")
                }
                found.append(row.entry)
            }
            return .success(found)
        } catch {
            return .failure(error.storeError)
        }
    }

    func outboxContent(of number: Int64) -> Result<EventRun?, StoreError> {
        do throws(SQLiteError) {
            let select = statements.selectOutboxContent
            defer { select.reset() }
            select.bind(1, number)
            guard try select.step() else { return .success(nil) }
            do throws(RowDamage) {
                return .success(try OutboxRow(select.bytes(0), number: number).events(select.bytes(1)))
            } catch {
                throw SQLiteError.damagedRow("reading the events of entry \(number) of the outbox")
            }
        } catch {
            return .failure(error.storeError)
        }
    }
}

@available(freshet 0.1, *)
extension SQLiteStreamStore {
    package func followOutbox(_ listener: @escaping @Sendable ([OutboxEntry]) -> Void) {
        shared.outboxListener.withLock { $0 = listener }
    }

    package func outboxEntries(after number: Int64, limit: Int) async throws(StoreError) -> [OutboxEntry] {
        try await ask { .outboxEntries(after: number, limit: limit, $0) }
    }

    package func outboxContent(of number: Int64) async throws(StoreError) -> EventRun? {
        try await ask { .outboxContent(number, $0) }
    }

    package func changeOutbox(_ number: Int64, _ change: OutboxChange) async throws(StoreError) -> Bool {
        try await ask { .changeOutbox(number, change, $0) }
    }

    package var outboxUsage: OutboxUsage { shared.outboxUsage.withLock(\.self) }
}
