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
