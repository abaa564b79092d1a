@available(freshet 0.1, *)
extension StringProtocol {
    /// Without the spaces and tabs at both ends, which mean nothing in a header field (RFC 9110, section 5.6.3).
    package func trimmingBlanks() -> SubSequence {
        // By scalars: a space with a combining mark after it is one `Character`, and still a space.
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !isBlank($0) }),
            let last = scalars.lastIndex(where: { !isBlank($0) })
        else { return self[startIndex..<startIndex] }
        return self[first..<scalars.index(after: last)]
    }
}

@available(freshet 0.1, *)
extension String {
    /// `trimmingBlanks` of a whole value. Hardly one has blanks: those are found by two bytes, and the value is given back
    /// as it is.
    package var withoutBlanksAround: String {
        let isBlank = { (byte: UInt8?) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        return isBlank(utf8.first) || isBlank(utf8.last) ? String(trimmingBlanks()) : self
    }
}
