import StreamCore

/// An event and when it was kept, on the store's clock in milliseconds.
struct KeptEvent {
    var event: StreamEvent
    var at: Int64
}

/// A stretch of one stream's log. Each names the offset before it, so that a missing one is noticed.
struct ChunkRow {
    var previous: Offset
    var events: [KeptEvent]

    var last: Offset { events.last?.event.offset ?? previous }

    init(previous: Offset, events: [KeptEvent]) {
        self.previous = previous
        self.events = events
    }

    /// A stretch of a log cut into chunks of about a size. An event larger than that has one to itself.
    static func cutting(_ log: some Sequence<KeptEvent>, after offset: Offset, bytes: Int) -> [Self] {
        var chunks: [Self] = []
        var previous = offset
        var events: [KeptEvent] = []
        var size = 0
        func close() {
            guard !events.isEmpty else { return }
            let chunk = Self(previous: previous, events: events)
            chunks.append(chunk)
            previous = chunk.last
            events = []
            size = 0
        }
        for kept in log {
            if size > 0, size + kept.event.body.size > bytes * 2 { close() }
            events.append(kept)
            size += kept.event.body.size
            if size >= bytes { close() }
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
        for kept in events {
            writer.moment(kept.at)
            writer.event(kept.event)
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
        events = []
        for _ in 0..<count {
            let at = try reader.moment()
            events.append(KeptEvent(event: try reader.event(), at: at))
        }
        guard reader.isAtEnd, events.last?.event.offset == last else { throw RowDamage() }
    }
}
