/// Text in URLs (RFC 3986, section 2.1).
@available(freshet 0.1, *)
package enum PercentEncoding {
    /// Which bytes stand for themselves.
    package enum Kept: Sendable {
        /// The unreserved characters only: for a value in a query, or a segment of a path.
        case unreserved
        /// Slashes too: for a path of several segments.
        case unreservedAndSlash
        /// Everything that a path may hold as it is (section 3.3).
        case path
    }

    /// The UTF-8 of a text with all but some bytes escaped.
    package static func encode(_ text: String, keeping kept: Kept) -> String {
        var output: [UInt8] = []
        output.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            if isKept(byte, kept) {
                output.append(byte)
            } else {
                output.append(UInt8(ascii: "%"))
                output.append(upperCaseDigit(byte >> 4))
                output.append(upperCaseDigit(byte & 15))
            }
        }
        return String(decoding: output, as: UTF8.self)
    }

    /// Decoded UTF-8, or nil when an escape is broken or the bytes are not UTF-8.
    package static func decode(_ text: some Sequence<UInt8>, plusIsSpace: Bool) -> String? {
        var bytes: [UInt8] = []
        var iterator = text.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(Hexadecimal.value),
                    let low = iterator.next().flatMap(Hexadecimal.value)
                else { return nil }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(UInt8(ascii: " "))
            default: bytes.append(byte)
            }
        }
        return String(utf8: bytes)
    }

    /// The byte whose encoding begins at an index; nil where none does.
    package static func byte(_ text: [UInt8], at index: Int) -> UInt8? {
        guard index + 2 < text.count, text[index] == UInt8(ascii: "%"), let high = Hexadecimal.value(text[index + 1]),
            let low = Hexadecimal.value(text[index + 2])
        else { return nil }
        return high << 4 | low
    }

    private static func isKept(_ byte: UInt8, _ kept: Kept) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        case UInt8(ascii: "/"): kept != .unreserved
        default: kept == .path && "!$&'()*,;=:@".utf8.contains(byte)
        }
    }

    private static func upperCaseDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
