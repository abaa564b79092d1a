/// Finds where JSON values begin and end, and that they are what RFC 8259 says. One pass, nothing decoded.
///
/// A lone surrogate written as `\uD800` is let through: the grammar allows it and `JSON.stringify` writes it.
@available(freshet 0.1, *)
package struct JSONScanner {
    private let bytes: [UInt8]
    private let end: Int
    private var position: Int
    private var depth = 0
    private let takesNonNumbers: Bool

    package init(_ bytes: [UInt8]) {
        self.init(bytes, in: 0..<bytes.count)
    }

    /// - Parameters:
    ///   - range: The part of the bytes that is looked at. Positions are those in `bytes`.
    ///   - takesNonNumbers: `NaN`, `Infinity` and `-Infinity` are values too. RFC 8259 has none of them; Python's `json`
    ///     writes and reads them.
    package init(_ bytes: [UInt8], in range: Range<Int>, takesNonNumbers: Bool = false) {
        self.bytes = bytes
        self.takesNonNumbers = takesNonNumbers
        position = range.lowerBound
        end = range.upperBound
    }

    package static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }

    /// The byte that comes next; nil at the end.
    package var peek: UInt8? { position < end ? bytes[position] : nil }

    package mutating func skipBlanks() {
        while let byte = peek, Self.isBlank(byte) { position += 1 }
    }

    /// Scans one value, which begins here, and returns where it stands.
    package mutating func scanValue() throws(JSONError) -> Range<Int> {
        let start = position
        guard let first = peek else { throw expected("a value") }
        switch first {
        case UInt8(ascii: "{"): try scanObject { _, _ in }
        case UInt8(ascii: "["): try scanArray { _ in }
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanWord("true")
        case UInt8(ascii: "f"): try scanWord("false")
        case UInt8(ascii: "n"): try scanWord("null")
        case UInt8(ascii: "N") where takesNonNumbers: try scanWord("NaN")
        case UInt8(ascii: "I") where takesNonNumbers: try scanWord("Infinity")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber()
        default: throw expected("a value")
        }
        return start..<position
    }

    /// Scans an array, which begins here, and tells where each of its elements stands: one after which the array goes
    /// on, or ends.
    package mutating func scanArray(element: (Range<Int>) -> Void) throws(JSONError) {
        try open()
        if take(UInt8(ascii: "]")) { return close() }
        while true {
            let value = try scanValue()
            skipBlanks()
            let isLast = take(UInt8(ascii: "]"))
            guard isLast || take(UInt8(ascii: ",")) else { throw expected("a comma or `]`") }
            element(value)
            if isLast { return close() }
            skipBlanks()
        }
    }

    /// Scans an object, which begins here, and tells where the keys, with their quotes, and the values of its members
    /// stand: of one after which the object goes on, or ends.
    package mutating func scanObject(member: (_ key: Range<Int>, _ value: Range<Int>) -> Void) throws(JSONError) {
        try open()
        if take(UInt8(ascii: "}")) { return close() }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            let start = position
            try scanString()
            let key = start..<position
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw expected("a colon") }
            skipBlanks()
            let value = try scanValue()
            skipBlanks()
            let isLast = take(UInt8(ascii: "}"))
            guard isLast || take(UInt8(ascii: ",")) else { throw expected("a comma or `}`") }
            member(key, value)
            if isLast { return close() }
            skipBlanks()
        }
    }

    /// Throws unless nothing but whitespace is left.
    package mutating func scanEnd() throws(JSONError) {
        skipBlanks()
        guard peek == nil else { throw expected("the end") }
    }

    private mutating func open() throws(JSONError) {
        guard depth < JSONText.maximumDepth else { throw JSONError(position: position, reason: .tooDeep) }
        depth += 1
        position += 1
        skipBlanks()
    }

    private mutating func close() { depth -= 1 }

    private mutating func scanString() throws(JSONError) {
        position += 1
        while let byte = peek {
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return
            case UInt8(ascii: "\\"): try scanEscape()
            case 0..<0x20: throw expected("an escape: control characters may not stand in a string")
            case 0x20..<0x80: position += 1
            default: try scanScalar()
            }
        }
        throw expected("a quote that ends the string")
    }

    private mutating func scanEscape() throws(JSONError) {
        position += 1
        guard let byte = peek, "\"\\/bfnrtu".utf8.contains(byte) else {
            throw expected("one of \"\\/bfnrtu after a backslash")
        }
        position += 1
        guard byte == UInt8(ascii: "u") else { return }
        for _ in 0..<4 {
            guard let digit = peek, "0123456789abcdefABCDEF".utf8.contains(digit) else {
                throw expected("a hexadecimal digit")
            }
            position += 1
        }
    }

    /// One scalar beyond ASCII, in the well-formed sequences of the Unicode Standard, table 3-7.
    private mutating func scanScalar() throws(JSONError) {
        let second: ClosedRange<UInt8>
        let count: Int
        switch bytes[position] {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw JSONError(position: position, reason: .invalidUTF8)
        }
        guard end - position >= count, second.contains(bytes[position + 1]),
            bytes[(position + 2)..<(position + count)].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { throw JSONError(position: position, reason: .invalidUTF8) }
        position += count
    }

    private mutating func scanNumber() throws(JSONError) {
        if take(UInt8(ascii: "-")), takesNonNumbers, peek == UInt8(ascii: "I") { return try scanWord("Infinity") }
        if !take(UInt8(ascii: "0")) { try scanDigits() }
        if take(UInt8(ascii: ".")) { try scanDigits() }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try scanDigits()
        }
    }

    private mutating func scanDigits() throws(JSONError) {
        let start = position
        while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
        guard position > start else { throw expected("a digit") }
    }

    private mutating func scanWord(_ word: StaticString) throws(JSONError) {
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else { throw expected("`\(word)`") }
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private func expected(_ what: String) -> JSONError { JSONError(position: position, reason: .expected(what)) }
}
