import StreamCore

/// The form in which the events of a run are kept in Redis, which takes them for one value.
///
/// A byte that says which form this is; for each event its size, and whether it has a type, as LEB128 of
/// `size * 2 + hasType`, and where it has one the length of that as LEB128; then the bytes of all, as `EventBatch.contents`
/// has them. So that packing and unpacking a run copies its bytes once, however many events it has.
@available(freshet 0.1, *)
enum PackedRun {
    /// The only form there is.
    static let form: UInt8 = 1

    /// What stands before the bytes of the events.
    static func head(of batch: EventBatch) -> [UInt8] {
        var head: [UInt8] = []
        head.reserveCapacity(1 + batch.count * 3)
        head.append(form)
        for index in batch.indices {
            let type = batch.typeLength(at: index)
            append(batch.size(at: index) << 1 | (type == nil ? 0 : 1), to: &head)
            if let type { append(type, to: &head) }
        }
        return head
    }

    /// Reads a run of so many events back; nil when it is none.
    static func batch(of count: Int, in bytes: ArraySlice<UInt8>) -> EventBatch? {
        guard count > 0, count <= bytes.count, bytes.first == form else { return nil }
        var reader = Reader(rest: bytes.dropFirst())
        var lengths: [(size: Int, type: Int?)] = []
        lengths.reserveCapacity(count)
        var total = 0
        for _ in 0..<count {
            guard let number = reader.next() else { return nil }
            let size = number >> 1
            var type: Int?
            if number & 1 == 1 {
                guard let length = reader.next(), length <= size else { return nil }
                type = length
            }
            total += size
            lengths.append((size, type))
        }
        guard total == reader.rest.count else { return nil }
        return EventBatch(contents: Array(reader.rest), lengths: lengths)
    }

    private static func append(_ value: Int, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private struct Reader {
        var rest: ArraySlice<UInt8>

        /// The next number; nil where there is none below 2^35, which no size of a batch reaches.
        mutating func next() -> Int? {
            var value = 0
            for shift in stride(from: 0, to: 35, by: 7) {
                guard let byte = rest.popFirst() else { return nil }
                value |= Int(byte & 0x7F) << shift
                if byte < 0x80 { return value }
            }
            return nil
        }
    }
}
