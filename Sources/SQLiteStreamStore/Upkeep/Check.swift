import CSQLite
import StreamCore

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

@available(freshet 0.1, *)
extension SQLiteStreamStore {
    /// Reads everything in a data directory, and lists what is damaged. A server may be running; nothing is changed.
    ///
    /// Throws when there is nothing to look at, or when it cannot be looked at.
    package static func check(directory: String) throws(DirectoryError) -> CheckReport {
        let file = DataDirectory.database(in: directory)
        guard access(file, R_OK) == 0 else {
            throw DirectoryError("There is no data directory \(directory): \(DataDirectory.reason).")
        }
        let mode = try DataDirectory.readingMode(directory)
        var report = CheckReport()
        if OffsetMark.isSound("\(directory)/\(DataDirectory.markName)") == false {
            report.problems.append("The offset mark is damaged: it says which event ids were given out.")
        }
        do throws(SQLiteError) {
            let database = try Database(path: file, mode: mode)
            freshet_sqlite3_keep_log_on_close(database.handle)
            try check(database, &report)
        } catch {
            guard error.isDamage || error.kind == SQLITE_IOERR && error.systemError == 0 || error.kind == SQLITE_ERROR
            else {
                throw OpenedDatabase.refusal(directory, error)
            }
            report.problems.append("The database cannot be read on, while \(error.action): \(error.description).")
        }
        return report
    }

    private static func check(_ database: Database, _ report: inout CheckReport) throws(SQLiteError) {
        // One moment of a database that may be in use.
        try database.execute("BEGIN")
        let version = try database.integer("PRAGMA user_version")
        guard try database.integer("PRAGMA application_id") == Schema.applicationID,
            (Schema.oldestVersion...Schema.version).contains(version),
            try OpenedDatabase.schema(of: database) == Schema.statements(of: version)
        else {
            report.problems.append(
                version > Schema.version
                    ? "The directory was written by a newer Freshet (format \(version)): check it with that version."
                    : "The tables are not those of a data directory of Freshet."
            )
            return
        }
        let recovery = try Recovery(database, version: version)
        report.problems += recovery.problems
        let select = try database.prepare("SELECT ms, n, data FROM chunk WHERE id = ?")
        var chunks = 0
        for stream in recovery.streams.values.sorted(by: { $0.row.number < $1.row.number }) {
            checkChunks(stream, select, &report)
            chunks += Int(stream.row.nextChunk - stream.row.lowestChunk)
        }
        for stream in recovery.garbage { chunks += Int(stream.row.nextChunk - stream.row.lowestChunk) }
        report.streams = recovery.streams.count
        report.chunks = chunks
        if recovery.problems.isEmpty, try database.integer("SELECT count(*) FROM chunk") != chunks {
            report.problems.append("There are more or fewer chunks than the \(chunks) that belong to streams.")
        }
        if version >= 4 { try checkOutbox(database, &report) }
        let integrity = try database.prepare("PRAGMA integrity_check(20)")
        while try integrity.step() {
            let found = integrity.text(0)
            if found != "ok" { report.problems.append("SQLite: \(found).") }
        }
    }

    /// The events of what is yet to be told; the rows themselves were read by the recovery.
    private static func checkOutbox(_ database: Database, _ report: inout CheckReport) throws(SQLiteError) {
        let select = try database.prepare("SELECT id, data, content FROM outbox ORDER BY id")
        while try select.step() {
            let number = select.integer(0)
            guard let row = try? OutboxRow(select.bytes(1), number: number) else { continue }
            do throws(RowDamage) {
                _ = try row.events(select.bytes(2))
            } catch {
                report.problems.append(
                    "The events of the stream \(row.entry.stream.name) that entry \(number) of the outbox keeps fail their check."
                )
            }
        }
    }

    private static func checkChunks(_ stream: WriterStream, _ select: Statement, _ report: inout CheckReport) {
        let row = stream.row
        var last = row.floor
        var events = 0
        var bytes = 0
        for index in row.firstChunk..<row.nextChunk {
            let chunk = try? ChunkReader.row(Schema.chunkKey(row.number, index), select)
            guard let chunk, index == row.firstChunk ? chunk.previous <= last : chunk.previous == last else {
                report.problems.append(
                    "Events of the stream \(row.name) after \(last), up to \(row.sealed.tail) at most, fail their check "
                        + "(chunk \(index))."
                )
                return
            }
            last = chunk.last
            let kept = chunk.events.suffix(after: row.floor)
            events += kept.count
            bytes += kept.size
        }
        events += stream.unsealed.count
        bytes += stream.unsealed.size
        if events != stream.log.appendedEvents - row.trimmedEvents
            || bytes != stream.log.appendedBytes - row.trimmedBytes
        {
            report.problems.append("The stream \(row.name) holds \(events) events, which is not what it counts.")
        }
        report.events += events
        report.bytes += bytes
    }
}
