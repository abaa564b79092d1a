import CSQLite
package import StreamCore

/// The streams of a data directory that no server uses, to be copied elsewhere. Nothing in it is changed.
@available(freshet 0.1, *)
package actor DirectoryExport: StreamExport {
    private let directory: String
    private let hold: DirectoryHold
    private let database: Database
    private let select: Statement
    private let lastOf: Statement
    /// Streams, and those that are gone and whose names are kept for forks.
    private let streams: [StreamName: WriterStream]
    private let names: OrderedNames
    /// Where retention has got to in each that has it; found out when it is first asked for.
    private var floors: [StreamName: Floor] = [:]
    /// The directory's clock.
    private let now: Int64
    /// Calls of webhooks that have not succeeded. They are not copied.
    package nonisolated let waitingCalls: Int

    private struct Floor {
        var offset: Offset
        var events: Int
        var bytes: Int
    }

    /// Reads what is not in chunks, and keeps servers from using the directory as long as this lives.
    ///
    /// Throws a `DirectoryError` that says what to do when it is used, damaged or of a newer version.
    package init(directory: String, time: any TimeSource = SystemTime()) throws(DirectoryError) {
        self.directory = directory
        let file = DataDirectory.database(in: directory)
        let recovered: Recovery
        hold = try DirectoryHold(directory)
        let mode = try DataDirectory.readingMode(directory)
        do throws(SQLiteError) {
            database = try Database(path: file, mode: mode)
            database.leaveFilesOnClose()
            let version = try database.integer("PRAGMA user_version")
            guard try database.integer("PRAGMA application_id") == Schema.applicationID else {
                throw SQLiteError.damagedRow("looking for a database of Freshet in \(file)")
            }
            guard version <= Schema.version else { throw SQLiteError.newerVersion(version) }
            recovered = try Recovery(database, version: version)
            select = try database.prepare("SELECT ms, n, data FROM chunk WHERE id = ?")
            lastOf = try database.prepare("SELECT ms, n FROM chunk WHERE id = ?")
        } catch {
            throw OpenedDatabase.refusal(directory, error)
        }
        if let first = recovered.problems.first { throw OpenedDatabase.damage(directory, first) }
        streams = recovered.streams.merging(recovered.tombstones) { stream, _ in stream }
        names = OrderedNames(streams.keys)
        now = StoreClock(after: recovered.head, time: time).now
        waitingCalls = recovered.outbox.count
    }

    package func records(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamRecord] {
        var records: [StreamRecord] = []
        for name in names.page(NameRanges(prefixes: [prefix]), after: after, limit: limit) {
            if let stream = streams[name] { records.append(try record(of: stream)) }
        }
        return records
    }

    package func events(
        of record: StreamRecord,
        after offset: Offset,
        limit: PageLimit
    ) async throws(StoreError) -> ExportedPage? {
        guard let stream = streams[record.info.name], stream.row.birth == record.info.birth else { return nil }
        guard offset >= record.info.floor else { return ExportedPage(standing: .belowFloor) }
        guard offset <= record.info.tail else { return ExportedPage(standing: .unknown) }
        var page = ExportedPage()
        var events = 0
        var bytes = 0
        // At least one, and then as long as there is room.
        func take(_ log: EventLog) -> Bool {
            for (run, at) in log.runs {
                guard events == 0 || (events < limit.events && bytes < limit.bytes) else { return false }
                page.parts.append(ExportedPage.Part(run: run, age: .milliseconds(max(0, now - at))))
                events += run.count
                bytes += run.size
            }
            return true
        }
        do throws(SQLiteError) {
            var isAsked = offset != record.info.floor && offset != record.info.tail
            for index in try firstChunk(after: offset, of: stream)..<stream.row.nextChunk {
                guard let chunk = try ChunkReader.row(Schema.chunkKey(stream.row.number, index), select) else {
                    throw SQLiteError.damagedRow("reading chunk \(index)")
                }
                if isAsked, chunk.previous != offset, !chunk.events.contains(offset) {
                    return ExportedPage(standing: .unknown)
                }
                isAsked = false
                guard take(chunk.events.suffix(after: offset)) else { return page }
            }
            if isAsked, offset != stream.row.sealed.tail, !stream.unsealed.contains(offset) {
                return ExportedPage(standing: .unknown)
            }
            _ = take(stream.unsealed.suffix(after: offset))
            return page
        } catch {
            throw damage(stream, error)
        }
    }

    private func record(of stream: WriterStream) throws(StoreError) -> StreamRecord {
        let row = stream.row
        let log = stream.log
        var info = stream.committed.info
        let floor = try self.floor(of: stream)
        (info.floor, info.events, info.bytes) = (floor.offset, floor.events, floor.bytes)
        return StreamRecord(
            info,
            createdLeaseSeconds: row.options.leaseSeconds,
            origin: row.origin,
            producers: log.producers,
            sequence: log.sequence,
            closingStamp: log.closingStamp,
            idle: .milliseconds(max(0, now - max(row.touchedAt, log.appendedAt))),
            endedAge: log.end == nil ? nil : .milliseconds(max(0, now - log.endedAt)),
            hadOpenProducer: row.hasOpenProducer,
            isSoftDeleted: row.isTombstone
        )
    }

    /// What retention leaves: it is worked out by every server that opens the directory, and kept nowhere.
    private func floor(of stream: WriterStream) throws(StoreError) -> Floor {
        let row = stream.row
        let rule = row.options.retention
        var floor = Floor(
            offset: row.floor,
            events: stream.log.appendedEvents - row.trimmedEvents,
            bytes: stream.log.appendedBytes - row.trimmedBytes
        )
        guard rule != .everything, !row.isTombstone else { return floor }
        if let known = floors[row.name] { return known }
        func takes(_ kept: KeptEvent) -> Bool {
            rule.events.map { floor.events > $0 } ?? false || rule.bytes.map { floor.bytes > $0 } ?? false
                || rule.seconds.map { (now - kept.at) / 1000 >= Int64($0) } ?? false
        }
        func drop(from log: EventLog) -> Bool {
            for kept in log {
                guard takes(kept) else { return false }
                floor.offset = kept.event.offset
                floor.events -= 1
                floor.bytes -= kept.event.body.size
            }
            return true
        }
        do throws(SQLiteError) {
            var goesOn = true
            for index in row.firstChunk..<row.nextChunk where goesOn {
                guard let chunk = try ChunkReader.row(Schema.chunkKey(row.number, index), select) else {
                    throw SQLiteError.damagedRow("reading chunk \(index)")
                }
                goesOn = drop(from: chunk.events.suffix(after: row.floor))
            }
            if goesOn { _ = drop(from: stream.unsealed) }
        } catch {
            throw damage(stream, error)
        }
        floors[row.name] = floor
        return floor
    }

    /// The first chunk with anything later than an offset.
    private func firstChunk(after offset: Offset, of stream: WriterStream) throws(SQLiteError) -> Int64 {
        var low = stream.row.firstChunk
        var high = stream.row.nextChunk
        while low < high {
            let middle = (low + high) / 2
            lastOf.bind(1, Schema.chunkKey(stream.row.number, middle))
            defer { lastOf.reset() }
            guard try lastOf.step(), let last = Offset(stored: lastOf.integer(0), lastOf.integer(1)) else {
                throw SQLiteError.damagedRow("looking for chunk \(middle)")
            }
            if last <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func damage(_ stream: WriterStream, _ error: SQLiteError) -> StoreError {
        guard error.isDamage else { return error.storeError }
        return .damaged(
            "Events of the stream \(stream.row.name) fail their check (\(error.description)). `freshet check \(directory)` "
                + "lists what is damaged."
        )
    }
}
