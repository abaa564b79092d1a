/// A value inside a JSON text, found without building anything: what the relay looks at is a word or two of an event.
///
/// The text is taken as it comes: of one that is no JSON nothing is found, and nothing is reported. What Python writes for
/// numbers that are none (`NaN`, `Infinity`) is passed over as other values are.
@available(freshet 0.1, *)
package struct JSONSlice: Sendable {
    private let bytes: [UInt8]
    private let range: Range<Int>

    package init(_ bytes: [UInt8]) {
        self.init(bytes, 0..<bytes.count)
    }

    /// Without what stands before a position.
    package init(_ bytes: [UInt8], from start: Int) {
        self.init(bytes, start..<bytes.count)
    }

    private init(_ bytes: [UInt8], _ range: Range<Int>) {
        self.bytes = bytes
        var range = range
        while let first = range.first, JSONScanner.isBlank(bytes[first]) { range.removeFirst() }
        while let last = range.last, JSONScanner.isBlank(bytes[last]) { range.removeLast() }
        self.range = range
    }

    package var raw: ArraySlice<UInt8> { bytes[range] }
    package var isNull: Bool { raw.elementsEqual("null".utf8) }
    package var isTrue: Bool { raw.elementsEqual("true".utf8) }
    package var integer: Int? { Int(String(decoding: raw, as: UTF8.self)) }
    /// The text is one whole value.
    package var isValue: Bool {
        var scanner = self.scanner
        return (try? scanner.scanValue()) == range
    }

    /// Neither absent in disguise nor empty: something was said.
    package var saysSomething: Bool {
        guard !isNull, !raw.elementsEqual("\"\"".utf8), !raw.elementsEqual("NaN".utf8) else { return false }
        guard let first = raw.first, first == UInt8(ascii: "[") || first == UInt8(ascii: "{") else { return true }
        return !raw.dropFirst().dropLast().allSatisfy(JSONScanner.isBlank)
    }

    /// A member of an object; the last one of that name, as parsers have it.
    package subscript(name: String) -> JSONSlice? {
        guard raw.first == UInt8(ascii: "{") else { return nil }
        var found: JSONSlice?
        var scanner = self.scanner
        try? scanner.scanObject { key, value in
            if isKey(key, name) { found = JSONSlice(bytes, value) }
        }
        return found
    }

    /// The members of an object, in their order.
    package var members: [(name: String, value: JSONSlice)] {
        guard raw.first == UInt8(ascii: "{") else { return [] }
        var found: [(name: String, value: JSONSlice)] = []
        var scanner = self.scanner
        try? scanner.scanObject { key, value in
            found.append((JSONSlice(bytes, key).string ?? "", JSONSlice(bytes, value)))
        }
        return found
    }

    /// The elements of an array.
    package var elements: [JSONSlice] {
        guard raw.first == UInt8(ascii: "[") else { return [] }
        var found: [JSONSlice] = []
        var scanner = self.scanner
        try? scanner.scanArray { found.append(JSONSlice(bytes, $0)) }
        return found
    }

    /// The text of a string.
    package var string: String? {
        guard raw.first == UInt8(ascii: "\"") else { return nil }
        guard isValue else { return nil }
        let inside = raw.dropFirst().dropLast()
        return inside.contains(UInt8(ascii: "\\")) ? Self.unescaped(inside) : String(decoding: inside, as: UTF8.self)
    }

    private var scanner: JSONScanner { JSONScanner(bytes, in: range, takesNonNumbers: true) }

    private func isKey(_ quoted: Range<Int>, _ name: String) -> Bool {
        let inside = bytes[quoted].dropFirst().dropLast()
        if inside.elementsEqual(name.utf8) { return true }
        return inside.contains(UInt8(ascii: "\\")) && Self.unescaped(inside) == name
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
