extension PartialJSONParser {
    /// Takes one piece of the text.
    mutating func take(_ bytes: UnsafeRawBufferPointer) throws(PartialJSONError) {
        var index = 0
        while index < bytes.count {
            switch step {
            case .string:
                index = try takeString(bytes, from: index)
            case .escape, .hexadecimal, .lowSurrogate:
                try takeEscape(bytes[index], at: position + index)
                index += 1
            case .number(let grammar):
                index = try takeNumber(bytes, from: index, grammar)
            case .word(let word, let letters):
                try takeLetter(bytes[index], at: position + index, of: word, after: letters)
                index += 1
            case .value, .firstElement, .firstKey, .key, .colon, .afterValue, .end:
                let byte = bytes[index]
                let isBlank = byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
                if !isBlank { try takeStructure(byte, at: position + index) }
                // The first byte of a number belongs to its text.
                if case .number = step { continue }
                index += 1
            }
        }
    }

    private mutating func takeStructure(_ byte: UInt8, at position: Int) throws(PartialJSONError) {
        switch (step, byte) {
        case (.firstElement, UInt8(ascii: "]")), (.firstKey, UInt8(ascii: "}")):
            close()
        case (.value, _), (.firstElement, _):
            try beginValue(byte, at: position)
        case (.firstKey, UInt8(ascii: "\"")), (.key, UInt8(ascii: "\"")):
            beginString(isKey: true, at: position)
        case (.colon, UInt8(ascii: ":")):
            step = .value
        case (.afterValue, UInt8(ascii: ",")):
            step = containers[containers.count - 1].isObject ? .key : .value
        case (.afterValue, UInt8(ascii: "}")) where containers[containers.count - 1].isObject,
            (.afterValue, UInt8(ascii: "]")) where !containers[containers.count - 1].isObject:
            close()
        default:
            throw .unexpectedByte(at: position, expected: expected)
        }
    }

    private mutating func beginValue(_ byte: UInt8, at position: Int) throws(PartialJSONError) {
        switch byte {
        case UInt8(ascii: "{"): try open(isObject: true, at: position)
        case UInt8(ascii: "["): try open(isObject: false, at: position)
        case UInt8(ascii: "\""): beginString(isKey: false, at: position)
        case UInt8(ascii: "t"): step = .word(.true, letters: 1)
        case UInt8(ascii: "f"): step = .word(.false, letters: 1)
        case UInt8(ascii: "n"): step = .word(.null, letters: 1)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): step = .number(NumberGrammar())
        default: throw .unexpectedByte(at: position, expected: expected)
        }
    }

    private mutating func open(isObject: Bool, at position: Int) throws(PartialJSONError) {
        guard containers.count < limits.depth else { throw .tooDeep(at: position, limit: limits.depth) }
        containers.append(OpenContainer(isObject: isObject))
        step = isObject ? .firstKey : .firstElement
    }

    private mutating func close() {
        add(containers.removeLast().closed())
    }

    private mutating func beginString(isKey: Bool, at position: Int) {
        stringIsKey = isKey
        stringStart = position
        step = .string
    }

    /// Puts a whole value where it belongs.
    mutating func add(_ value: JSONValue) {
        if containers.isEmpty {
            whole = value
            step = .end
        } else {
            containers[containers.count - 1].add(value)
            step = .afterValue
        }
    }
}

// MARK: - Numbers and words

extension PartialJSONParser {
    private mutating func takeNumber(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int,
        _ grammar: NumberGrammar
    ) throws(PartialJSONError) -> Int {
        var grammar = grammar
        var index = start
        while index < bytes.count, grammar.take(bytes[index]) { index += 1 }
        guard index < bytes.count else {
            text.append(bytes[start..<index])
            step = .number(grammar)
            return index
        }
        // Only what may follow a number ends it: the 1 of `1x` is not shown.
        guard grammar.mayEnd, isAfterNumber(bytes[index]) else {
            throw .unexpectedByte(at: position + index, expected: grammar.expected)
        }
        add(.number(JSONNumber(unchecked: text.take(with: bytes[start..<index]))))
        return index
    }

    private func isAfterNumber(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x20, 0x0A, 0x0D, 0x09, UInt8(ascii: ","), UInt8(ascii: "]"), UInt8(ascii: "}"): true
        default: false
        }
    }

    mutating func finishNumber() {
        add(.number(JSONNumber(unchecked: text.take())))
    }

    private mutating func takeLetter(
        _ byte: UInt8,
        at position: Int,
        of word: Word,
        after letters: Int
    ) throws(PartialJSONError) {
        guard byte == word.text.utf8Start[letters] else { throw .unexpectedByte(at: position, expected: expected) }
        if letters + 1 == word.text.utf8CodeUnitCount {
            add(word.value)
        } else {
            step = .word(word, letters: letters + 1)
        }
    }
}
