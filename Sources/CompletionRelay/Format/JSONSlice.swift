/// A value inside a JSON text, found without building anything: what the relay looks at is a word or two of an event.
///
/// The text is taken as it comes: of one that is no JSON nothing is found, and nothing is reported.
package struct JSONSlice: Sendable {
    private let bytes: [UInt8]
    private let range: Range<Int>

    package init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        var range = range
        while let first = range.first, Self.isBlank(bytes[first]) { range.removeFirst() }
        while let last = range.last, Self.isBlank(bytes[last]) { range.removeLast() }
        self.range = range
    }

    package var raw: ArraySlice<UInt8> { bytes[range] }
    package var isNull: Bool { raw.elementsEqual("null".utf8) }
    package var isTrue: Bool { raw.elementsEqual("true".utf8) }
    package var integer: Int? { Int(String(decoding: raw, as: UTF8.self)) }

    /// Neither absent in disguise nor empty: something was said.
    package var saysSomething: Bool {
        !isNull && !raw.elementsEqual("\"\"".utf8) && !raw.elementsEqual("[]".utf8) && !raw.elementsEqual("{}".utf8)
    }

    /// A member of an object; the last one of that name, as parsers have it.
    package subscript(name: String) -> JSONSlice? {
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "{") else { return nil }
        var found: JSONSlice?
        var position = range.lowerBound + 1
        while let keyStart = skipBlanks(position), bytes[keyStart] == UInt8(ascii: "\""),
            let keyEnd = endOfString(keyStart), let colon = skipBlanks(keyEnd), bytes[colon] == UInt8(ascii: ":"),
            let valueEnd = endOfValue(colon + 1)
        {
            if isKey(keyStart..<keyEnd, name) { found = JSONSlice(bytes, colon + 1..<valueEnd) }
            guard valueEnd < range.upperBound, bytes[valueEnd] == UInt8(ascii: ",") else { break }
            position = valueEnd + 1
        }
        return found
    }

    /// The elements of an array.
    package var elements: [JSONSlice] {
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "[") else { return [] }
        var found: [JSONSlice] = []
        var position = range.lowerBound + 1
        while let end = endOfValue(position) {
            let element = JSONSlice(bytes, position..<end)
            if !element.range.isEmpty { found.append(element) }
            guard end < range.upperBound, bytes[end] == UInt8(ascii: ",") else { break }
            position = end + 1
        }
        return found
    }

    /// The text of a string.
    package var string: String? {
        guard range.count >= 2, bytes[range.lowerBound] == UInt8(ascii: "\""),
            endOfString(range.lowerBound) == range.upperBound
        else { return nil }
        let inside = bytes[range.lowerBound + 1..<range.upperBound - 1]
        return inside.contains(UInt8(ascii: "\\"))
            ? Self.unescaped(inside) : String(decoding: inside, as: UTF8.self)
    }

    // MARK: -

    private func isKey(_ quoted: Range<Int>, _ name: String) -> Bool {
        let inside = bytes[quoted.lowerBound + 1..<quoted.upperBound - 1]
        if inside.elementsEqual(name.utf8) { return true }
        return inside.contains(UInt8(ascii: "\\")) && Self.unescaped(inside) == name
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

    private func skipBlanks(_ start: Int) -> Int? {
        var position = start
        while position < range.upperBound, Self.isBlank(bytes[position]) { position += 1 }
        return position < range.upperBound ? position : nil
    }

    /// The index after a string's closing quote.
    private func endOfString(_ start: Int) -> Int? {
        var position = start + 1
        while position < range.upperBound {
            switch bytes[position] {
            case UInt8(ascii: "\\"): position += 2
            case UInt8(ascii: "\""): return position + 1
            default: position += 1
            }
        }
        return nil
    }

    /// The index of the comma or bracket after a value.
    private func endOfValue(_ start: Int) -> Int? {
        var position = start
        var depth = 0
        while position < range.upperBound {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                guard let end = endOfString(position) else { return nil }
                position = end
                continue
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                if depth == 0 { return position }
                depth -= 1
            case UInt8(ascii: ",") where depth == 0: return position
            default: break
            }
            position += 1
        }
        return nil
    }

    private static func unescaped(_ text: ArraySlice<UInt8>) -> String {
        var units: [UInt16] = []
        var plain: [UInt8] = []
        var iterator = text.makeIterator()
        func flush() {
            units.append(contentsOf: String(decoding: plain, as: UTF8.self).utf16)
            plain = []
        }
        while let byte = iterator.next() {
            guard byte == UInt8(ascii: "\\"), let escape = iterator.next() else {
                plain.append(byte)
                continue
            }
            switch escape {
            case UInt8(ascii: "n"): plain.append(0x0A)
            case UInt8(ascii: "r"): plain.append(0x0D)
            case UInt8(ascii: "t"): plain.append(0x09)
            case UInt8(ascii: "b"): plain.append(0x08)
            case UInt8(ascii: "f"): plain.append(0x0C)
            case UInt8(ascii: "u"):
                flush()
                var digits: [UInt8] = []
                while digits.count < 4, let digit = iterator.next() { digits.append(digit) }
                units.append(UInt16(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0xFFFD)
            default: plain.append(escape)
            }
        }
        flush()
        return String(decoding: units, as: UTF16.self)
    }
}
