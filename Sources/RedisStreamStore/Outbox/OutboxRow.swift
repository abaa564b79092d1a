import StreamCore

/// An entry of the list: which entry it is, and of which stream.
@available(freshet 0.1, *)
struct OutboxRow: Hashable {
    var number: Int64
    var id: String
    var stream: StreamName

    /// `<id> <name>`.
    var text: String { "\(id) \(stream.text)" }

    init?(number: RESPValue, row: RESPValue) {
        guard let number = number.text.flatMap({ Int64($0) }), let text = row.text,
            let space = text.utf8.firstIndex(of: UInt8(ascii: " ")),
            let stream = try? StreamName(String(text[text.index(after: space)...]))
        else { return nil }
        self.number = number
        id = String(text[..<space])
        self.stream = stream
    }

    /// The rows of a list of numbers and rows.
    static func read(_ list: [RESPValue]) throws(ReplyDamage) -> [OutboxRow] {
        guard list.count.isMultiple(of: 2) else { throw ReplyDamage() }
        var rows: [OutboxRow] = []
        for index in stride(from: 0, to: list.count, by: 2) {
            guard let row = OutboxRow(number: list[index], row: list[index + 1]) else { throw ReplyDamage() }
            rows.append(row)
        }
        return rows
    }
}

/// What lies beside a stream of an entry (`notices.lua`).
@available(freshet 0.1, *)
enum OutboxFields {
    /// - Parameters:
    ///   - said: `<count> <cost> ` and what is said of the stream, each behind its length.
    ///   - state: since when it is told, and why nobody tries any more; nil while it is new.
    static func entry(_ row: OutboxRow, said: [UInt8], state: [UInt8]?) throws(ReplyDamage) -> OutboxEntry {
        var reader = LengthReader(said[...])
        try reader.skipWord()
        try reader.skipWord()
        guard let occasion = OutboxEntry.Occasion(rawValue: try reader.text()) else { throw ReplyDamage() }
        let receiver = OutboxNotice.receiver(of: try reader.text())
        let recordedAt = try reader.number()
        let trace = try reader.text()
        let (birth, floor, tail) = (try reader.offset(), try reader.offset(), try reader.offset())
        let ending = try reader.bytes()
        let end = ending.isEmpty ? nil : StreamEnd(wire: ending)
        if end == nil, !ending.isEmpty { throw ReplyDamage() }
        let (events, bytes) = (try reader.number(), try reader.number())
        let options = try StreamOptions(blob: try reader.bytes())
        let omission = try reader.text()
        var content = OutboxEntry.Content.kept
        if !omission.isEmpty {
            guard let reason = OutboxEntry.Omission(rawValue: omission) else { throw ReplyDamage() }
            content = .omitted(reason)
        }
        guard let events = Int(exactly: events), let bytes = Int(exactly: bytes) else { throw ReplyDamage() }
        var entry = OutboxEntry(
            occasion,
            of: StreamInfo(
                name: row.stream,
                options: options,
                birth: birth,
                floor: floor,
                tail: tail,
                end: end,
                events: events,
                bytes: bytes
            ),
            to: receiver,
            number: row.number,
            id: row.id,
            at: recordedAt,
            trace: trace.isEmpty ? nil : trace,
            content: content
        )
        guard let state else { return entry }
        let words = String(decoding: state, as: UTF8.self).split(
            separator: " ",
            maxSplits: 1,
            omittingEmptySubsequences: false
        )
        if let since = words.first.flatMap({ UInt64($0) }) { entry.waitingSince = since }
        if words.count == 2 { entry.failure = String(words[1]) }
        return entry
    }

    /// The events of an entry, each run of them behind its offset, its field and its length.
    static func content(_ bytes: [UInt8]) throws(ReplyDamage) -> EventRun {
        var events: [StreamEvent] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard let lineEnd = rest.firstIndex(of: UInt8(ascii: "\n")) else { throw ReplyDamage() }
            let words = rest[..<lineEnd].split(separator: UInt8(ascii: " "))
            rest = rest[(lineEnd + 1)...]
            guard words.count == 3, let first = Offset(decimal: Array(words[0])), let field = RunField(Array(words[1])),
                let length = Int(String(decoding: words[2], as: UTF8.self)), 0...rest.count ~= length,
                let batch = PackedRun.batch(of: field.events, in: rest.prefix(length))
            else { throw ReplyDamage() }
            events += EventRun(batch, from: first)
            rest = rest.dropFirst(length)
        }
        return EventRun(events)
    }
}

/// Reads texts that stand behind their lengths.
@available(freshet 0.1, *)
private struct LengthReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: ArraySlice<UInt8>) {
        rest = bytes
    }

    /// A word and the space behind it.
    mutating func skipWord() throws(ReplyDamage) {
        guard let space = rest.firstIndex(of: UInt8(ascii: " ")) else { throw ReplyDamage() }
        rest = rest[(space + 1)...]
    }

    mutating func bytes() throws(ReplyDamage) -> [UInt8] {
        guard let colon = rest.firstIndex(of: UInt8(ascii: ":")),
            let count = Int(String(decoding: rest[..<colon], as: UTF8.self)), count >= 0
        else { throw ReplyDamage() }
        rest = rest[(colon + 1)...]
        guard count <= rest.count else { throw ReplyDamage() }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    mutating func text() throws(ReplyDamage) -> String { String(decoding: try bytes(), as: UTF8.self) }

    mutating func number() throws(ReplyDamage) -> UInt64 {
        guard let number = UInt64(try text()) else { throw ReplyDamage() }
        return number
    }

    mutating func offset() throws(ReplyDamage) -> Offset {
        guard let offset = Offset(decimal: try bytes()) else { throw ReplyDamage() }
        return offset
    }
}
