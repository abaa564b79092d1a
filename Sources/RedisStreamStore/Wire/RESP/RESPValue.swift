/// A value of RESP3, the protocol of Redis (https://github.com/redis/redis-specifications/blob/master/protocol/RESP3.md).
///
/// Bytes are arrays of their own. What RESP2 writes for nothing (`$-1`, `*-1`) is `null` as well.
@available(freshet 0.1, *)
package enum RESPValue: Hashable, Sendable {
    case null
    case simple([UInt8])
    /// Only inside of another value: a reply that is an error as a whole is thrown.
    case error(RESPError)
    case integer(Int64)
    case double(Double)
    case boolean(Bool)
    /// Decimal digits, perhaps with a sign.
    case bigNumber([UInt8])
    /// A string, also a verbatim one, without the three letters of its format.
    case bulk([UInt8])
    case array([RESPValue])
    case map([RESPPair])
    case set([RESPValue])
    /// What Redis says without being asked.
    case push([RESPValue])
}

/// A key of a map with its value.
@available(freshet 0.1, *)
package struct RESPPair: Hashable, Sendable {
    package var key: RESPValue
    package var value: RESPValue

    package init(_ key: RESPValue, _ value: RESPValue) {
        self.key = key
        self.value = value
    }
}

/// The looks into a value give nil where it is something else.
@available(freshet 0.1, *)
extension RESPValue {
    /// An integer, or a string of its decimal digits, as Lua gives what it read from a key.
    package var integer: Int64? {
        switch self {
        case .integer(let integer): integer
        case .simple(let bytes), .bulk(let bytes): RESPNumber.integer(bytes)
        default: nil
        }
    }

    package var bytes: [UInt8]? {
        switch self {
        case .simple(let bytes), .bulk(let bytes): bytes
        default: nil
        }
    }

    /// What is not UTF-8 in it is U+FFFD.
    package var text: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// Those of an array, a set or a push; of a map, keys and values in turn.
    package var elements: [RESPValue]? {
        switch self {
        case .array(let elements), .set(let elements), .push(let elements): elements
        case .map(let pairs): pairs.flatMap { [$0.key, $0.value] }
        default: nil
        }
    }

    package var isNull: Bool { self == .null }

    /// The value of a key in a map, or in an array of keys and values in turn, as Redis gives some maps whatever the
    /// protocol.
    package subscript(key: StaticString) -> RESPValue? {
        func isKey(_ value: RESPValue) -> Bool {
            guard let bytes = value.bytes else { return false }
            return key.withUTF8Buffer { $0.elementsEqual(bytes) }
        }
        switch self {
        case .map(let pairs): return pairs.first { isKey($0.key) }?.value
        case .array(let elements):
            let index = stride(from: 0, to: elements.count - 1, by: 2).first { isKey(elements[$0]) }
            return index.map { elements[$0 + 1] }
        default: return nil
        }
    }
}
