/// The grammar of numbers (RFC 8259, section 6), byte by byte.
struct NumberGrammar: Sendable {
    private enum Place {
        case start, minus, zero, integer, point, fraction, exponent, exponentSign, exponentDigits
    }

    private var place = Place.start

    /// Whether what was taken is a number.
    var mayEnd: Bool {
        switch place {
        case .zero, .integer, .fraction, .exponentDigits: true
        case .start, .minus, .point, .exponent, .exponentSign: false
        }
    }

    /// What may come next, for people.
    var expected: String { mayEnd && place == .zero ? "the end of the number" : "a digit" }

    /// Takes a byte if it belongs to the number.
    mutating func take(_ byte: UInt8) -> Bool {
        guard let next = place(after: byte) else { return false }
        place = next
        return true
    }

    private func place(after byte: UInt8) -> Place? {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        switch place {
        case .start where byte == UInt8(ascii: "-"): return .minus
        case .start, .minus:
            guard isDigit else { return nil }
            return byte == UInt8(ascii: "0") ? .zero : .integer
        case .integer where isDigit: return .integer
        case .zero, .integer:
            if byte == UInt8(ascii: ".") { return .point }
            return byte | 0x20 == UInt8(ascii: "e") ? .exponent : nil
        case .point, .fraction:
            if isDigit { return .fraction }
            return place == .fraction && byte | 0x20 == UInt8(ascii: "e") ? .exponent : nil
        case .exponent where byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-"): return .exponentSign
        case .exponent, .exponentSign, .exponentDigits: return isDigit ? .exponentDigits : nil
        }
    }
}
