import StreamCore

/// An entry of the outbox as its table has it. The events are in a column of their own, with a checksum of their own that
/// the row knows.
@available(freshet 0.1, *)
struct OutboxRow {
    var entry: OutboxEntry
    /// The checksum of the events; zero where there are none.
    var contentSum: UInt32

    init(_ entry: OutboxEntry, contentSum: UInt32) {
        self.entry = entry
        self.contentSum = contentSum
    }

    var encoded: [UInt8] {
        let stream = entry.stream
        var writer = RowWriter()
        writer.text(entry.id)
        writer.text(entry.receiver)
        writer.text(entry.occasion.rawValue)
        writer.text(stream.name.text)
        writer.text(stream.options.contentType.text)
        writer.number(entry.recordedAt)
        writer.number(entry.waitingSince)
        writer.base(stream.birth)
        writer.base(stream.floor)
        writer.base(stream.tail)
        writer.number(stream.events)
        writer.number(stream.bytes)
        writer.optional(entry.trace)
        switch entry.content {
        case .kept: writer.text("")
        case .omitted(let reason): writer.text(reason.rawValue)
        }
        writer.number(UInt64(contentSum))
        writer.optional(entry.failure)
        writer.number(stream.end == nil ? 0 : 1)
        if let end = stream.end { writer.end(end) }
        return writer.finished(.outbox, key: entry.number)
    }

    init(_ bytes: [UInt8], number: Int64) throws(RowDamage) {
        var reader = try RowReader(bytes, .outbox, key: number)
        let id = try reader.text()
        let receiver = try reader.text()
        guard let occasion = OutboxEntry.Occasion(rawValue: try reader.text()),
            let name = try? StreamName(try reader.text()), let type = ContentType(try reader.text())
        else { throw RowDamage() }
        let recordedAt = try reader.number()
        let waitingSince = try reader.number()
        let (birth, floor, tail) = (try reader.base(), try reader.base(), try reader.base())
        let (events, size) = (try reader.integer(), try reader.integer())
        let trace = try reader.optionalText()
        let omission = try reader.text()
        let content: OutboxEntry.Content
        if omission.isEmpty {
            content = .kept
        } else {
            guard let reason = OutboxEntry.Omission(rawValue: omission) else { throw RowDamage() }
            content = .omitted(reason)
        }
        guard let sum = UInt32(exactly: try reader.number()) else { throw RowDamage() }
        let failure = try reader.optionalText()
        let end = try reader.number() == 0 ? nil : try reader.end()
        let stream = StreamInfo(
            name: name,
            options: StreamOptions(contentType: type),
            birth: birth,
            floor: floor,
            tail: tail,
            end: end,
            events: events,
            bytes: size
        )
        entry = OutboxEntry(
            occasion,
            of: stream,
            to: receiver,
            number: number,
            id: id,
            at: recordedAt,
            trace: trace,
            content: content
        )
        entry.waitingSince = waitingSince
        entry.failure = failure
        contentSum = sum
    }

    // MARK: Events

    static func content(_ events: EventRun, after offset: Offset, number: Int64) -> [UInt8] {
        var writer = RowWriter()
        writer.base(offset)
        writer.number(events.count)
        for event in events { writer.event(event) }
        return writer.finished(.outboxContent, key: number)
    }

    /// The events of its other column; nil where the entry has none.
    func events(_ content: [UInt8]) throws(RowDamage) -> EventRun? {
        guard entry.content == .kept else { return nil }
        guard Checksum.carried(by: content) == contentSum else { throw RowDamage() }
        var reader = try RowReader(content, .outboxContent, key: entry.number)
        _ = try reader.base()
        return try reader.events(try reader.integer())
    }
}

/// What the writer knows of a row of the outbox.
@available(freshet 0.1, *)
struct OutboxStanding: Equatable {
    /// The row's checksum.
    var sum: UInt32
    /// What it counts against the bound on all of them.
    var cost: Int
    var hasFailed: Bool

    init(_ entry: OutboxEntry, sum: UInt32) {
        self.sum = sum
        cost = entry.cost
        hasFailed = entry.failure != nil
    }
}
