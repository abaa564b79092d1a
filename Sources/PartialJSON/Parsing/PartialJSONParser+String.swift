extension PartialJSONParser {
    /// Takes the text of a string up to its end, an escape, or the end of the piece. Returns where it stopped.
    mutating func takeString(_ bytes: UnsafeRawBufferPointer, from start: Int) throws(PartialJSONError) -> Int {
        let runStart = try takeSequence(bytes, from: start)
        var index = runStart
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                try finishString(bytes[runStart..<index])
                return index + 1
            case UInt8(ascii: "\\"):
                text.append(bytes[runStart..<index])
                escapeStart = position + index
                step = .escape
                return index + 1
            case 0..<0x20:
                text.append(bytes[runStart..<index])
                let expected = "an escape: control characters may not stand in a string"
                throw .unexpectedByte(at: position + index, expected: expected)
            case 0x80...:
                let lead = index
                sequence = UTF8Sequence(first: byte)
                if sequence == nil {
                    text.append(bytes[runStart..<lead])
                    throw .invalidUTF8(at: position + lead)
                }
                index = scanSequence(bytes, from: lead + 1)
                if sequence?.isWhole == true {
                    sequence = nil
                } else {
                    text.append(bytes[runStart..<lead])
                    guard index == bytes.count else { throw .invalidUTF8(at: position + index) }
                    return index
                }
            default:
                index = bytes.endOfPlainText(from: index + 1)
            }
        }
        text.append(bytes[runStart..<index])
        return index
    }

    /// Takes the rest of a scalar that an earlier piece began. Returns where it stopped.
    private mutating func takeSequence(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int
    ) throws(PartialJSONError) -> Int {
        guard sequence != nil else { return start }
        let index = scanSequence(bytes, from: start)
        if let scalar = sequence?.scalar {
            text.append(scalar)
            sequence = nil
        } else if index < bytes.count {
            throw .invalidUTF8(at: position + index)
        }
        return index
    }

    /// Feeds the scalar until it is whole, a byte does not belong to it, or the piece ends. Returns where it stopped.
    private mutating func scanSequence(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        guard var sequence else { return start }
        var index = start
        while !sequence.isWhole, index < bytes.count, sequence.take(bytes[index]) { index += 1 }
        self.sequence = sequence
        return index
    }

    private mutating func finishString(_ run: Slice<UnsafeRawBufferPointer>) throws(PartialJSONError) {
        let string = text.take(with: run)
        guard stringIsKey else { return add(.string(JSONString(string))) }
        guard containers[containers.count - 1].take(string, replacing: duplicateKeys == .lastWins) else {
            throw .duplicateKey(string, at: stringStart)
        }
        step = .colon
    }
}

// MARK: - Escapes

extension PartialJSONParser {
    /// Takes one byte of an escape, after its backslash.
    mutating func takeEscape(_ byte: UInt8, at position: Int) throws(PartialJSONError) {
        switch step {
        case .hexadecimal(let digits, let value, let high):
            guard let digit = hexadecimalValue(of: byte) else {
                throw .unexpectedByte(at: position, expected: expected)
            }
            let value = value << 4 | digit
            if digits == 3 {
                try takeCodeUnit(value, after: high)
            } else {
                step = .hexadecimal(digits: digits + 1, value: value, high: high)
            }
        case .lowSurrogate(let high, false):
            guard byte == UInt8(ascii: "\\") else { throw .loneSurrogate(at: escapeStart) }
            step = .lowSurrogate(high: high, afterBackslash: true)
        case .lowSurrogate(let high, true):
            guard byte == UInt8(ascii: "u") else { throw .loneSurrogate(at: escapeStart) }
            step = .hexadecimal(digits: 0, value: 0, high: high)
        default:
            if byte == UInt8(ascii: "u") {
                step = .hexadecimal(digits: 0, value: 0, high: nil)
            } else if let scalar = shortEscape(byte) {
                text.append(scalar)
                step = .string
            } else {
                throw .unexpectedByte(at: position, expected: expected)
            }
        }
    }

    private mutating func takeCodeUnit(_ unit: UInt32, after high: UInt32?) throws(PartialJSONError) {
        var value = unit
        if let high {
            guard (0xDC00...0xDFFF).contains(unit) else { throw .loneSurrogate(at: escapeStart) }
            value = 0x10000 + (high - 0xD800) << 10 + (unit - 0xDC00)
        } else if (0xD800...0xDBFF).contains(unit) {
            step = .lowSurrogate(high: unit, afterBackslash: false)
            return
        }
        guard let scalar = Unicode.Scalar(value) else { throw .loneSurrogate(at: escapeStart) }
        text.append(scalar)
        step = .string
    }

    private func shortEscape(_ byte: UInt8) -> Unicode.Scalar? {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): Unicode.Scalar(byte)
        case UInt8(ascii: "b"): "\u{8}"
        case UInt8(ascii: "f"): "\u{C}"
        case UInt8(ascii: "n"): "\n"
        case UInt8(ascii: "r"): "\r"
        case UInt8(ascii: "t"): "\t"
        default: nil
        }
    }

    private func hexadecimalValue(of byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The first byte from `start` on that may not stand unescaped in an ASCII string, or that ends it; looked for in
    /// words of eight bytes, since strings are most of what models write.
    fileprivate func endOfPlainText(from start: Int) -> Int {
        var index = start
        while index + 8 <= count {
            let word = loadUnaligned(fromByteOffset: index, as: UInt64.self)
            // The usual test for a zero byte, which may tell too much but never too little above the first one, and
            // so is only asked whether there is any.
            let quote = word ^ (0x0101_0101_0101_0101 &* 0x22)
            let backslash = word ^ (0x0101_0101_0101_0101 &* 0x5C)
            let ones: UInt64 = 0x0101_0101_0101_0101
            let special =
                (quote &- ones) & ~quote | (backslash &- ones) & ~backslash | (word &- ones &* 0x20) & ~word | word
            if special & 0x8080_8080_8080_8080 != 0 { break }
            index += 8
        }
        while index < count {
            let byte = self[index]
            guard byte >= 0x20, byte < 0x80, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") else { break }
            index += 1
        }
        return index
    }
}
