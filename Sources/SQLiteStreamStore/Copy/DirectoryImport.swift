import CSQLite
package import StreamCore

/// A data directory that no server uses, and that takes streams from elsewhere as they are.
///
/// Streams that are taken one after the other are one transaction, up to some size: what a crash takes back is copied
/// once more.
@available(freshet 0.1, *)
package actor DirectoryImport: StreamImport {
    private let configuration: SQLiteStoreConfiguration
    private let database: Database
    private let statements: WriterStatements
    private let directory: DataDirectory
    private let clock: StoreClock
    private let time: any TimeSource
    private var mark: OffsetMark
    /// As it will be with the transaction that is open.
    private var head: HeadRow
    private var streams: [StreamName: WriterStream]
    private let tombstones: Set<StreamName>
    /// What the open transaction has written; nil where none is open.
    private var written: Int?

    /// Bytes of events after which a transaction is committed.
    private static let transactionBytes = 16 << 20

    /// Opens a data directory, which is made where it is missing.
    ///
    /// Throws a `DirectoryError` that says what to do when it is used, damaged or of a newer version.
    package init(directory: String, time: any TimeSource = SystemTime()) throws(DirectoryError) {
        configuration = SQLiteStoreConfiguration()
        let opened = try OpenedDatabase(directory, configuration)
        self.directory = opened.directory
        self.time = time
        database = opened.database
        mark = opened.mark
        var head = opened.head
        let recovered = opened.recovered
        if head.streams == 0, recovered.hotRows.isEmpty {
            // The clock of a new directory begins late enough for what is older than the directory.
            head.clock = max(head.clock, Int64(time.wallMilliseconds()))
            head.wall = time.wallMilliseconds()
        }
        self.head = head
        clock = StoreClock(after: head, time: time)
        streams = recovered.streams
        tombstones = Set(recovered.tombstones.keys)
        do throws(SQLiteError) {
            statements = try WriterStatements(opened.database)
        } catch {
            throw OpenedDatabase.refusal(directory, error)
        }
    }

    package func take(
        _ record: StreamRecord,
        events: @Sendable (Offset) async throws(StoreError) -> ExportedPage?
    ) async throws(StoreError) -> ImportOutcome {
        let name = record.info.name
        let existing = streams[name]
        let standing = ImportStanding(
            of: record,
            to: existing?.committed.info,
            isSoftDeleted: tombstones.contains(name)
        )
        if case .decided(let outcome) = standing { return outcome }
        let before = head
        try begin()
        do throws(StoreError) {
            var draft = try draft(of: record, existing, standing)
            while draft.log.tail < record.info.tail {
                guard let page = try await events(draft.log.tail), page.standing == .exact else {
                    try rollBack(to: before)
                    guard case .beginning = standing else { return .changedMeanwhile }
                    return .differs(.wentOn)
                }
                guard page.lastOffset.map({ $0 <= record.info.tail }) ?? false else {
                    throw .damaged("The stream \(name) has no events up to \(record.info.tail), where it should end.")
                }
                try write(page, to: &draft)
            }
            try finish(draft, record)
        } catch {
            try rollBack(to: before)
            throw error
        }
        if let written, written >= Self.transactionBytes { try commit() }
        return existing == nil ? .created : .extended
    }

    package func finish() throws(StoreError) {
        if written != nil { try commit() }
        _ = try? database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
    }

    // MARK: One stream

    /// A stream on its way into the directory.
    private struct Draft {
        var row: StreamRow
        var log: LogState
        let stream: WriterStream?
    }

    private func draft(
        of record: StreamRecord,
        _ existing: WriterStream?,
        _ standing: ImportStanding
    ) throws(StoreError) -> Draft {
        guard let existing else {
            var row = StreamRow(
                number: head.nextStream,
                name: record.info.name,
                options: record.info.options,
                birth: record.info.birth,
                after: head.lastHot,
                at: clock.now
            )
            head.nextStream += 1
            row.options.leaseSeconds = record.createdLeaseSeconds
            row.leaseSeconds = record.info.options.leaseSeconds
            row.origin = record.origin
            row.forkedFrom = record.info.forkedFrom
            row.floor = record.info.floor
            return Draft(
                row: row,
                log: LogState(tail: record.isSoftDeleted ? record.info.tail : row.floor),
                stream: nil
            )
        }
        var draft = Draft(row: existing.row, log: existing.log, stream: existing)
        do throws(SQLiteError) {
            // What is in no chunk yet comes before what is taken.
            let previous = max(draft.row.sealed.tail, draft.row.floor)
            let chunks = ChunkRow.cutting(existing.unsealed, after: previous, bytes: configuration.chunkBytes)
            try add(chunks, to: &draft)
        } catch {
            throw error.storeError
        }
        if standing == .outdated {
            draft.row.firstChunk = draft.row.nextChunk
            draft.row.trimmedEvents = draft.log.appendedEvents
            draft.row.trimmedBytes = draft.log.appendedBytes
            draft.row.floor = record.info.floor
            draft.log.tail = record.info.floor
        }
        draft.row.leaseSeconds = record.info.options.leaseSeconds
        return draft
    }

    private func write(_ page: ExportedPage, to draft: inout Draft) throws(StoreError) {
        var log = EventLog()
        for part in page.parts {
            log.append(part.run, at: max(0, clock.now - Int64(part.age / .milliseconds(1))))
        }
        do throws(SQLiteError) {
            try add(
                ChunkRow.cutting(log, after: draft.log.tail, bytes: configuration.chunkBytes),
                to: &draft
            )
        } catch {
            throw error.storeError
        }
        draft.log.tail = log.lastOffset ?? draft.log.tail
        draft.log.appendedEvents += log.count
        draft.log.appendedBytes += log.size
        written? += log.size
    }

    private func add(_ chunks: [ChunkRow], to draft: inout Draft) throws(SQLiteError) {
        for chunk in chunks {
            try statements.add(chunk, key: Schema.chunkKey(draft.row.number, draft.row.nextChunk))
            draft.row.nextChunk += 1
        }
    }

    /// Writes its row: from here on it is a stream of the directory.
    private func finish(_ draft: Draft, _ record: StreamRecord) throws(StoreError) {
        var (row, log) = (draft.row, draft.log)
        let used = clock.now - Int64(record.idle / .milliseconds(1))
        row.touchedAt = draft.stream == nil ? used : max(row.touchedAt, used)
        row.hasOpenProducer = record.hadOpenProducer
        if record.isSoftDeleted {
            row.isRemoved = true
            row.isTombstone = true
        }
        log.appendedAt = draft.stream == nil ? used : max(log.appendedAt, used)
        log.producers = record.producers
        log.sequence = record.sequence
        log.closingStamp = record.closingStamp
        log.end = record.info.end
        log.endedAt = record.endedAge.map { clock.now - Int64($0 / .milliseconds(1)) } ?? 0
        row.sealed = log
        row.sealedHot = head.lastHot
        let bytes = row.encoded
        let stream = WriterStream(row)
        stream.rowSum = Checksum.carried(by: bytes)
        if let old = draft.stream?.rowSum {
            head.streamSum &-= UInt64(old)
            head.streams -= 1
        }
        head.streamSum &+= UInt64(Checksum.carried(by: bytes))
        head.streams += 1
        do throws(SQLiteError) {
            statements.putStream.bind(1, row.number)
            statements.putStream.bind(2, bytes)
            try statements.putStream.run()
            try database.execute("RELEASE stream")
        } catch {
            throw error.storeError
        }
        if !record.isSoftDeleted { streams[row.name] = stream }
        written? += StoreLimits.streamOverhead
        highest = max(highest, log.tail, log.end?.offset ?? log.tail)
    }

    private var highest = Offset(milliseconds: 0, counter: 0)

    // MARK: Transactions

    private func begin() throws(StoreError) {
        do throws(SQLiteError) {
            if written == nil {
                try statements.begin.run()
                written = 0
            }
            try database.execute("SAVEPOINT stream")
        } catch {
            throw error.storeError
        }
    }

    /// Takes back what was written of one stream.
    private func rollBack(to before: HeadRow) throws(StoreError) {
        head = before
        do throws(SQLiteError) {
            try database.execute("ROLLBACK TO stream")
            try database.execute("RELEASE stream")
        } catch {
            throw error.storeError
        }
    }

    private func commit() throws(StoreError) {
        do throws(SQLiteError) {
            // On the disk before an offset behind it can be.
            if highest.milliseconds >= mark.value { try mark.write(highest.milliseconds + OffsetMark.ahead) }
            head.mark = max(head.mark, mark.value)
            head.clock = clock.now
            head.wall = time.wallMilliseconds()
            statements.putHead.bind(1, HeadRow.key)
            statements.putHead.bind(2, head.encoded)
            try statements.putHead.run()
            try statements.commit.run()
            written = nil
            try database.checkpoint()
        } catch {
            throw error.storeError
        }
    }
}
