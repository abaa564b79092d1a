import StreamCore

/// Writes the content of a row: numbers as LEB128, texts and bytes behind their length, offsets relative to the one
/// before.
@available(freshet 0.1, *)
struct RowWriter {
    private(set) var bytes: [UInt8]
    private var last = Offset(milliseconds: 0, counter: 0)
    private var clock: Int64 = 0

    /// The first four bytes are room for the checksum.
    init() {
        bytes = [0, 0, 0, 0]
    }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func number(_ value: Int) { number(UInt64(value)) }
    mutating func number(_ value: Int64) { number(UInt64(bitPattern: value)) }

    mutating func data(_ value: some Collection<UInt8>) {
        number(value.count)
        bytes.append(contentsOf: value)
    }

    mutating func text(_ value: String) {
        number(value.utf8.count)
        bytes.append(contentsOf: value.utf8)
    }

    /// Zero is nil; anything else is one more than the value.
    mutating func optional(_ value: Int?) { number(value.map { $0 + 1 } ?? 0) }

    mutating func optional(_ value: String?) {
        guard let value else { return number(0) }
        number(value.utf8.count + 1)
        bytes.append(contentsOf: value.utf8)
    }

    /// An offset in full. Later ones are relative to it.
    mutating func base(_ offset: Offset) {
        number(offset.milliseconds)
        number(UInt64(offset.counter))
        last = offset
    }

    /// An offset later than the one before.
    mutating func next(_ offset: Offset) {
        let ahead = offset.milliseconds - last.milliseconds
        number(ahead)
        number(UInt64(ahead == 0 ? offset.counter - last.counter : offset.counter))
        last = offset
    }

    /// A moment no earlier than the one before.
    mutating func moment(_ at: Int64) {
        number(UInt64(max(0, at - clock)))
        clock = max(clock, at)
    }

    mutating func event(_ event: StreamEvent) {
        next(event.offset)
        optional(event.body.type)
        data(event.body.bytes)
    }

    /// The row with its checksum, which covers the table and the key as well: a row that strayed is found out.
    func finished(_ table: Table, key: Int64) -> [UInt8] {
        Checksum.carrying(Checksum.of(bytes[4...], table, key: key), bytes)
    }
}
