/// Finds where JSON values begin and end, and that they are what RFC 8259 says. One pass, nothing decoded.
///
/// A lone surrogate written as `\uD800` is let through: the grammar allows it and `JSON.stringify` writes it.
struct JSONScanner {
    private let bytes: [UInt8]
    private var position = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The byte that comes next; nil at the end.
    var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipBlanks() {
        while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Scans one value, which begins here, and returns where it stands.
    mutating func scanValue() throws(JSONError) -> Range<Int> {
        let start = position
        guard let first = peek else { throw expected("a value") }
        switch first {
        case UInt8(ascii: "{"): try scanObject()
        case UInt8(ascii: "["): try scanArray { _ in }
        case UInt8(ascii: "\""): try scanString()
        case UInt8(ascii: "t"): try scanWord("true")
        case UInt8(ascii: "f"): try scanWord("false")
        case UInt8(ascii: "n"): try scanWord("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try scanNumber()
        default: throw expected("a value")
        }
        return start..<position
    }

    /// Scans an array, which begins here, and tells where each of its elements stands.
    mutating func scanArray(element: (Range<Int>) -> Void) throws(JSONError) {
        try open()
        if take(UInt8(ascii: "]")) { return close() }
        while true {
            element(try scanValue())
            skipBlanks()
            if take(UInt8(ascii: "]")) { return close() }
            guard take(UInt8(ascii: ",")) else { throw expected("a comma or `]`") }
            skipBlanks()
        }
    }

    /// Throws unless nothing but whitespace is left.
    mutating func scanEnd() throws(JSONError) {
        skipBlanks()
        guard peek == nil else { throw expected("the end") }
    }

    private mutating func scanObject() throws(JSONError) {
        try open()
        if take(UInt8(ascii: "}")) { return close() }
        while true {
            guard peek == UInt8(ascii: "\"") else { throw expected("a key in quotes") }
            try scanString()
            skipBlanks()
            guard take(UInt8(ascii: ":")) else { throw expected("a colon") }
            skipBlanks()
            _ = try scanValue()
            skipBlanks()
            if take(UInt8(ascii: "}")) { return close() }
            guard take(UInt8(ascii: ",")) else { throw expected("a comma or `}`") }
            skipBlanks()
        }
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
        guard bytes.count - position >= count, second.contains(bytes[position + 1]),
            bytes[(position + 2)..<(position + count)].allSatisfy({ $0 & 0xC0 == 0x80 })
        else { throw JSONError(position: position, reason: .invalidUTF8) }
        position += count
    }

    private mutating func scanNumber() throws(JSONError) {
        _ = take(UInt8(ascii: "-"))
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
