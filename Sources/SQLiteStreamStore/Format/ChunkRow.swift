import StreamCore

/// A stretch of one stream's log. Each names the offset before it, so that a missing one is noticed.
@available(freshet 0.1, *)
struct ChunkRow {
    /// However small they are: what is decoded for one reader is bounded too.
    private static let mostEvents = 4096

    var previous: Offset
    var events: EventLog

    var last: Offset { events.lastOffset ?? previous }

    init(previous: Offset, events: EventLog) {
        self.previous = previous
        self.events = events
    }

    /// A stretch of a log cut into chunks of about a size. An event larger than that has one to itself.
    static func cutting(_ log: EventLog, after offset: Offset, bytes: Int) -> [Self] {
        var chunks: [Self] = []
        var chunk = Self(previous: offset, events: EventLog())
        var count = 0
        var size = 0
        func close() {
            guard !chunk.events.isEmpty else { return }
            chunks.append(chunk)
            chunk = Self(previous: chunk.last, events: EventLog())
            count = 0
            size = 0
        }
        for (run, at) in log.runs {
            var start = run.startIndex
            func cut(before index: Int) {
                chunk.events.append(run[start..<index], at: at)
                start = index
                close()
            }
            for index in run.indices {
                let next = run.size(at: index)
                if size > 0, size + next > bytes * 2 { cut(before: index) }
                count += 1
                size += next
                if size >= bytes || count >= mostEvents { cut(before: index + 1) }
            }
            chunk.events.append(run[start..<run.endIndex], at: at)
        }
        close()
        return chunks
    }

    func encoded(key: Int64) -> [UInt8] {
        var writer = RowWriter()
        writer.base(previous)
        // The columns beside the row are covered by its checksum too.
        writer.number(last.milliseconds)
        writer.number(UInt64(last.counter))
        writer.number(events.count)
        for (run, at) in events.runs {
            for event in run {
                writer.moment(at)
                writer.event(event)
            }
        }
        return writer.finished(.chunk, key: key)
    }

    init(_ bytes: [UInt8], key: Int64, last: Offset) throws(RowDamage) {
        var reader = try RowReader(bytes, .chunk, key: key)
        previous = try reader.base()
        guard try reader.number() == last.milliseconds, try reader.number() == UInt64(last.counter) else {
            throw RowDamage()
        }
        let count = try reader.integer()
        var moments: [Int64] = []
        let run = try reader.events(count) { (reader) throws(RowDamage) in moments.append(try reader.moment()) }
        events = EventLog()
        var start = 0
        for index in moments.indices where index + 1 == moments.count || moments[index + 1] != moments[start] {
            events.append(run[start..<index + 1], at: moments[start])
            start = index + 1
        }
        guard reader.isAtEnd, events.lastOffset == last else { throw RowDamage() }
    }
}
