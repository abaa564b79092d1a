import DequeModule
import StreamCore

/// Reads everything but the chunks, checking each row and that none is missing, and puts the streams together as they
/// were after the last commit.
@available(freshet 0.1, *)
struct Recovery {
    private(set) var streams: [StreamName: WriterStream] = [:]
    /// Streams that are gone and whose chunks are not, yet.
    private(set) var garbage: [WriterStream] = []
    /// Streams that are gone and have forks.
    private(set) var tombstones: [StreamName: WriterStream] = [:]
    private(set) var hotRows: Deque<Writer.HotUse> = []
    /// The rows of the outbox, by their numbers.
    private(set) var outbox: [Int64: OutboxStanding] = [:]
    /// The highest offset that is found anywhere.
    private(set) var highest = Offset(milliseconds: 0, counter: 0)
    private(set) var head = HeadRow()
    /// What is damaged, each for people to read.
    private(set) var problems: [String] = []
    private var byNumber: [Int64: WriterStream] = [:]

    /// - Parameter version: that of the directory; an older one has no outbox.
    init(_ database: Database, version: Int64 = Schema.version) throws(SQLiteError) {
        guard try loadHead(database) else { return }
        try loadStreams(database)
        try loadHotRows(database)
        if version >= 4 { try loadOutbox(database) }
        for stream in byNumber.values {
            let row = stream.row
            let log = stream.log
            for offset in [row.birth, row.floor, log.tail, log.end?.offset ?? log.tail] {
                highest = max(highest, offset)
            }
            if row.isRemoved {
                if row.lowestChunk < row.nextChunk || !row.isTombstone {
                    garbage.append(stream)
                    stream.isQueuedAsGarbage = true
                }
                if row.isTombstone { tombstones[row.name] = stream }
                continue
            }
            if log.appendedEvents < row.trimmedEvents || log.appendedBytes < row.trimmedBytes {
                problems.append("The stream \(row.name) counts fewer events than were taken from it.")
            }
            if streams.updateValue(stream, forKey: row.name) != nil {
                problems.append("The stream \(row.name) is there twice.")
            }
        }
        for name in tombstones.keys where streams[name] != nil {
            problems.append("The stream \(name) is there, and gone as well.")
        }
    }

    private mutating func loadHead(_ database: Database) throws(SQLiteError) -> Bool {
        let select = try database.prepare("SELECT data FROM head WHERE id = ?")
        select.bind(1, HeadRow.key)
        defer { select.reset() }
        guard try select.step(), let head = try? HeadRow(select.bytes(0)) else {
            problems.append("The head, which says what the database holds, is missing or fails its check.")
            return false
        }
        self.head = head
        return true
    }

    private mutating func loadStreams(_ database: Database) throws(SQLiteError) {
        let select = try database.prepare("SELECT id, data FROM stream ORDER BY id")
        var count = 0
        var sum: UInt64 = 0
        while try select.step() {
            let number = select.integer(0)
            let bytes = select.bytes(1)
            count += 1
            guard number < head.nextStream, let row = try? StreamRow(bytes, number: number) else {
                problems.append("The row of stream number \(number) fails its check.")
                continue
            }
            let stream = WriterStream(row)
            stream.rowSum = Checksum.carried(by: bytes)
            sum &+= UInt64(Checksum.carried(by: bytes))
            byNumber[number] = stream
        }
        if problems.isEmpty, count != head.streams || sum != head.streamSum {
            problems.append(
                "There are rows of \(count) streams where \(head.streams) were written, or one is older than it was."
            )
        }
    }

    private mutating func loadOutbox(_ database: Database) throws(SQLiteError) {
        let select = try database.prepare("SELECT id, data FROM outbox ORDER BY id")
        var sum: UInt64 = 0
        var isSound = true
        while try select.step() {
            let number = select.integer(0)
            let bytes = select.bytes(1)
            guard number < head.nextOutboxRow, let row = try? OutboxRow(bytes, number: number) else {
                problems.append("Entry \(number) of the outbox fails its check.")
                isSound = false
                continue
            }
            sum &+= UInt64(Checksum.carried(by: bytes))
            outbox[number] = OutboxStanding(row.entry, sum: Checksum.carried(by: bytes))
        }
        if isSound, outbox.count != head.outboxRows || sum != head.outboxSum {
            problems.append(
                "There are \(outbox.count) entries of the outbox where \(head.outboxRows) were written, or one is older than "
                    + "it was."
            )
        }
    }

    private mutating func loadHotRows(_ database: Database) throws(SQLiteError) {
        let select = try database.prepare("SELECT id, data FROM hot ORDER BY id")
        var expected = head.firstHot
        while try select.step() {
            let id = select.integer(0)
            let bytes = select.bytes(1)
            if id != expected { problems.append("Appends \(expected) up to \(id - 1) are missing.") }
            expected = id + 1
            hotRows.append(Writer.HotUse(id: id, uses: 0, bytes: bytes.count))
            guard let row = try? HotRow(bytes, key: id) else {
                problems.append("The row of appends \(id) fails its check.")
                continue
            }
            for frame in row.frames { replay(frame, at: row.at, hot: id) }
        }
        if expected != head.lastHot + 1 {
            problems.append("Appends \(expected) up to \(head.lastHot) are missing.")
        }
    }

    private mutating func replay(_ frame: Frame, at now: Int64, hot: Int64) {
        if let last = frame.events.lastOffset { highest = max(highest, last) }
        if let end = frame.end { highest = max(highest, end.offset) }
        // Of a stream that is gone, any of its appends may be gone as well.
        guard let stream = byNumber[frame.stream], hot > stream.row.sealedHot, !stream.row.isRemoved else { return }
        guard frame.previous == stream.log.tail, stream.log.end == nil else {
            let reach = frame.events.lastOffset ?? frame.previous
            problems.append(
                "Events of the stream \(stream.row.name) after \(stream.log.tail), before \(reach), are missing."
            )
            return
        }
        stream.log.apply(frame, at: now)
        if stream.hotRows.last != hot { hotRows[hotRows.count - 1].uses += 1 }
        stream.keep(frame.events, at: now, hot: hot)
    }
}
