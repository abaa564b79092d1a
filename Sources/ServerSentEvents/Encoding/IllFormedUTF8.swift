extension UnsafeRawBufferPointer {
    /// The first sequence that is not well-formed UTF-8: the one that one U+FFFD replaces, which is the longest start
    /// of a well-formed sequence or a single byte (Unicode, section 3.9, table 3-7 and "U+FFFD substitution of maximal
    /// subparts"). Nil if all bytes are well-formed.
    var firstIllFormedUTF8: Range<Int>? {
        var index = 0
        while true {
            index = endOfASCII(from: index)
            guard index < count else { return nil }
            let (length, isWellFormed) = sequence(at: index)
            guard isWellFormed else { return index..<index + length }
            index += length
        }
    }

    /// Returns the first byte at or after `index` that is not ASCII, or the end. Eight bytes are looked at in one go.
    private func endOfASCII(from index: Int) -> Int {
        var index = index
        while count - index >= 8 {
            guard loadUnaligned(fromByteOffset: index, as: UInt64.self) & 0x8080_8080_8080_8080 == 0 else { break }
            index += 8
        }
        while index < count, self[index] < 0x80 {
            index += 1
        }
        return index
    }

    /// Returns the length of the sequence that starts with the lead byte at `index`, or of the start of one if it is
    /// ill-formed.
    private func sequence(at index: Int) -> (length: Int, isWellFormed: Bool) {
        // The second byte decides about overlong forms, surrogates and what is beyond U+10FFFF.
        let (length, second): (Int, ClosedRange<UInt8>) =
            switch self[index] {
            case 0xC2...0xDF: (2, 0x80...0xBF)
            case 0xE0: (3, 0xA0...0xBF)
            case 0xED: (3, 0x80...0x9F)
            case 0xE1...0xEF: (3, 0x80...0xBF)
            case 0xF0: (4, 0x90...0xBF)
            case 0xF1...0xF3: (4, 0x80...0xBF)
            case 0xF4: (4, 0x80...0x8F)
            default: (1, 0x80...0xBF)
            }
        guard length > 1 else { return (1, false) }
        for offset in 1..<length {
            let range = offset == 1 ? second : 0x80...0xBF
            guard index + offset < count, range.contains(self[index + offset]) else { return (offset, false) }
        }
        return (length, true)
    }
}
