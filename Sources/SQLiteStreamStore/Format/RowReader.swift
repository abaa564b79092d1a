import StreamCore

/// Reads what a `RowWriter` wrote, after checking it. Whatever does not fit is `RowDamage`.
@available(freshet 0.1, *)
struct RowReader {
    private let bytes: [UInt8]
    private var position = 4
    private var last = Offset(milliseconds: 0, counter: 0)
    private var clock: Int64 = 0

    init(_ bytes: [UInt8], _ table: Table, key: Int64) throws(RowDamage) {
        guard bytes.count >= 4 else { throw RowDamage() }
        guard Checksum.of(bytes[4...], table, key: key) == Checksum.carried(by: bytes) else { throw RowDamage() }
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    mutating func number() throws(RowDamage) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard position < bytes.count, shift < 64 else { throw RowDamage() }
            let byte = bytes[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func integer() throws(RowDamage) -> Int {
        guard let value = Int(exactly: try number()) else { throw RowDamage() }
        return value
    }

    mutating func integer64() throws(RowDamage) -> Int64 { Int64(bitPattern: try number()) }

    private mutating func take(_ count: Int) throws(RowDamage) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else { throw RowDamage() }
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func text() throws(RowDamage) -> String { String(decoding: try take(try integer()), as: UTF8.self) }

    mutating func optionalInteger() throws(RowDamage) -> Int? {
        let value = try integer()
        return value == 0 ? nil : value - 1
    }

    mutating func optionalText() throws(RowDamage) -> String? {
        let count = try integer()
        return count == 0 ? nil : String(decoding: try take(count - 1), as: UTF8.self)
    }

    private func offset(_ milliseconds: UInt64, _ counter: UInt64) throws(RowDamage) -> Offset {
        guard milliseconds <= Offset.maximumMilliseconds, counter <= UInt64(Offset.maximumCounter) else {
            throw RowDamage()
        }
        return Offset(milliseconds: milliseconds, counter: UInt32(counter))
    }

    mutating func base() throws(RowDamage) -> Offset {
        last = try offset(try number(), try number())
        return last
    }

    mutating func next() throws(RowDamage) -> Offset {
        let ahead = try number()
        let counter = try number()
        guard ahead <= Offset.maximumMilliseconds, counter <= UInt64(Offset.maximumCounter) else { throw RowDamage() }
        last = try offset(last.milliseconds + ahead, ahead == 0 ? UInt64(last.counter) + counter : counter)
        return last
    }

    mutating func moment() throws(RowDamage) -> Int64 {
        let ahead = try number()
        guard ahead < 1 << 62 else { throw RowDamage() }
        clock += Int64(ahead)
        return clock
    }

    /// A number of events, in a buffer of their own.
    ///
    /// - Parameter before: reads what is before each.
    mutating func events(
        _ count: Int,
        before: (inout Self) throws(RowDamage) -> Void = { (_) throws(RowDamage) in }
    ) throws(RowDamage) -> EventRun {
        var batch = EventBatch()
        var offsets: [Offset] = []
        // An event is five bytes or more.
        let most = min(count, (bytes.count - position) / 5 + 1)
        if most > 1 {
            batch.reserveCapacity(events: most, bytes: bytes.count - position)
            offsets.reserveCapacity(most)
        }
        for _ in 0..<count {
            try before(&self)
            offsets.append(try next())
            let type = try optionalText()
            let data = try take(try integer())
            batch.append(type: type) { $0.append(contentsOf: data) }
        }
        return EventRun(batch.fitted, at: offsets)
    }
}

/// A row that is not what was written.
@available(freshet 0.1, *)
struct RowDamage: Error {}
