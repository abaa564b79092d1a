/// Reads what a `BlobWriter` wrote. Whatever does not fit is nil or `ReplyDamage`.
@available(freshet 0.1, *)
struct BlobReader {
    private var rest: ArraySlice<UInt8>

    init(_ bytes: [UInt8], form: UInt8) throws(ReplyDamage) {
        guard bytes.first == form else { throw ReplyDamage() }
        rest = bytes.dropFirst()
    }

    var isAtEnd: Bool { rest.isEmpty }

    mutating func number() throws(ReplyDamage) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            guard let byte = rest.popFirst() else { throw ReplyDamage() }
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw ReplyDamage()
    }

    mutating func integer() throws(ReplyDamage) -> Int {
        guard let value = Int(exactly: try number()) else { throw ReplyDamage() }
        return value
    }

    mutating func optionalInteger() throws(ReplyDamage) -> Int? {
        let value = try integer()
        return value == 0 ? nil : value - 1
    }

    mutating func text() throws(ReplyDamage) -> String {
        let count = try integer()
        guard count <= rest.count else { throw ReplyDamage() }
        defer { rest = rest.dropFirst(count) }
        return String(decoding: rest.prefix(count), as: UTF8.self)
    }
}
