/// Writes what the functions keep without looking at it: numbers as LEB128, texts behind their length.
@available(freshet 0.1, *)
struct BlobWriter {
    private(set) var bytes: [UInt8]

    /// - Parameter form: which form the rest has.
    init(form: UInt8) {
        bytes = [form]
    }

    mutating func number(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    mutating func text(_ value: String) {
        number(UInt64(value.utf8.count))
        bytes.append(contentsOf: value.utf8)
    }

    /// Zero is nil; anything else is one more than the value.
    mutating func optional(_ value: Int?) { number(value.map { UInt64($0) + 1 } ?? 0) }
}
