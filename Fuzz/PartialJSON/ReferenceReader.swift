/// RFC 8259 written down as plainly as possible, for one whole text and without limits but that of the depth: what the
/// real parser is compared with. It looks at scalars, of which there are none if the bytes are not UTF-8.
struct ReferenceReader {
    private struct NotJSON: Error {}

    private var rest: Substring.UnicodeScalarView
    private let lastWins: Bool

    /// The value; nil if the text is not one.
    static func read(_ text: some Collection<UInt8>, lastWins: Bool) -> JSONValue? {
        guard let string = String(validating: text, as: UTF8.self) else { return nil }
        var reader = Self(rest: string[...].unicodeScalars, lastWins: lastWins)
        guard let value = try? reader.readValue(depth: 0), reader.rest.isEmpty else { return nil }
        return value
    }

    private mutating func skipBlanks() {
        rest = rest.drop { " \n\r\t".unicodeScalars.contains($0) }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        guard rest.first == scalar else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func expect(_ text: String) throws {
        for scalar in text.unicodeScalars where !take(scalar) { throw NotJSON() }
    }

    /// Reads a value and the blanks around it.
    private mutating func readValue(depth: Int) throws -> JSONValue {
        skipBlanks()
        defer { skipBlanks() }
        switch rest.first {
        case "{" where depth < 256: return try readObject(depth: depth + 1)
        case "[" where depth < 256: return try readArray(depth: depth + 1)
        case "\"": return .string(JSONString(try readString()))
        case "t":
            try expect("true")
            return true
        case "f":
            try expect("false")
            return false
        case "n":
            try expect("null")
            return nil
        default: return .number(try readNumber())
        }
    }

    private mutating func readArray(depth: Int) throws -> JSONValue {
        try expect("[")
        skipBlanks()
        if take("]") { return [] }
        var elements: [JSONValue] = []
        repeat { elements.append(try readValue(depth: depth)) } while take(",")
        try expect("]")
        return .array(JSONArray(elements))
    }

    private mutating func readObject(depth: Int) throws -> JSONValue {
        try expect("{")
        skipBlanks()
        if take("}") { return [:] }
        var entries: [JSONObject.Element] = []
        repeat {
            skipBlanks()
            let key = try readString()
            skipBlanks()
            try expect(":")
            let isThere = entries.contains { $0.key.utf8.elementsEqual(key.utf8) }
            if isThere, !lastWins { throw NotJSON() }
            entries.append((key, try readValue(depth: depth)))
        } while take(",")
        try expect("}")
        return .object(JSONObject(entries))
    }

    private mutating func readString() throws -> String {
        try expect("\"")
        var units: [UInt16] = []
        while !take("\"") {
            switch rest.popFirst() {
            case "\\": units.append(try readEscape())
            case let scalar? where scalar >= " ": units += UTF16.encode(scalar).map(Array.init) ?? []
            default: throw NotJSON()
            }
        }
        guard let string = String(validating: units, as: UTF16.self) else { throw NotJSON() }
        return string
    }

    private mutating func readEscape() throws -> UInt16 {
        switch rest.popFirst() {
        case "\"": return 0x22
        case "\\": return 0x5C
        case "/": return 0x2F
        case "b": return 8
        case "f": return 12
        case "n": return 10
        case "r": return 13
        case "t": return 9
        case "u":
            let digits = String(rest.prefix(4))
            rest = rest.dropFirst(4)
            guard digits.utf8.count == 4, !digits.hasPrefix("+"), !digits.hasPrefix("-"),
                let unit = UInt16(digits, radix: 16)
            else { throw NotJSON() }
            return unit
        default: throw NotJSON()
        }
    }

    private mutating func readNumber() throws -> JSONNumber {
        let text = String(rest.prefix { "+-.0123456789eE".unicodeScalars.contains($0) })
        guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+\-]?[0-9]+)?/) != nil,
            let number = JSONNumber(text)
        else { throw NotJSON() }
        rest = rest.dropFirst(text.unicodeScalars.count)
        return number
    }
}
