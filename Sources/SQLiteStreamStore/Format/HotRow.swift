import StreamCore

/// What one append did to one stream.
@available(freshet 0.1, *)
struct Frame {
    var stream: Int64
    var previous: Offset
    var events: EventRun
    var producer: ProducerStamp?
    var sequence: String?
    var end: StreamEnd?
}

/// Everything that one commit appended, of all streams.
@available(freshet 0.1, *)
struct HotRow {
    /// When, on the store's clock in milliseconds.
    var at: Int64
    var frames: [Frame]

    /// Writes frames one by one while a commit is put together.
    struct Writer {
        private var writer = RowWriter()
        private(set) var isEmpty = true

        init(at: Int64) {
            writer.number(at)
        }

        /// The bytes so far.
        var count: Int { writer.bytes.count }

        mutating func add(_ frame: Frame) {
            isEmpty = false
            writer.number(frame.stream)
            let flags =
                (frame.producer == nil ? 0 : 1) | (frame.sequence == nil ? 0 : 2) | (frame.end == nil ? 0 : 4)
            writer.number(flags)
            writer.base(frame.previous)
            writer.number(frame.events.count)
            for event in frame.events { writer.event(event) }
            if let stamp = frame.producer { writer.stamp(stamp) }
            if let sequence = frame.sequence { writer.text(sequence) }
            if let end = frame.end { writer.end(end) }
        }

        func finished(key: Int64) -> [UInt8] { writer.finished(.hot, key: key) }
    }

    init(_ bytes: [UInt8], key: Int64) throws(RowDamage) {
        var reader = try RowReader(bytes, .hot, key: key)
        at = try reader.integer64()
        frames = []
        while !reader.isAtEnd {
            let stream = try reader.integer64()
            let flags = try reader.number()
            let previous = try reader.base()
            let count = try reader.integer()
            let events = try reader.events(count)
            let producer = flags & 1 == 0 ? nil : try reader.stamp()
            let sequence = flags & 2 == 0 ? nil : try reader.text()
            let end = flags & 4 == 0 ? nil : try reader.end()
            frames.append(
                Frame(
                    stream: stream,
                    previous: previous,
                    events: events,
                    producer: producer,
                    sequence: sequence,
                    end: end
                )
            )
        }
    }
}

@available(freshet 0.1, *)
extension RowWriter {
    mutating func stamp(_ stamp: ProducerStamp) {
        text(stamp.id)
        number(stamp.epoch)
        number(stamp.sequence)
    }

    mutating func end(_ end: StreamEnd) {
        text(end.reason.rawValue)
        optional(end.detail)
        number(end.offset.milliseconds)
        number(UInt64(end.offset.counter))
    }
}

@available(freshet 0.1, *)
extension RowReader {
    mutating func stamp() throws(RowDamage) -> ProducerStamp {
        ProducerStamp(id: try text(), epoch: try number(), sequence: try number())
    }

    mutating func end() throws(RowDamage) -> StreamEnd {
        guard let reason = EndReason(rawValue: try text()) else { throw RowDamage() }
        return StreamEnd(reason: reason, detail: try optionalText(), offset: try base())
    }
}
