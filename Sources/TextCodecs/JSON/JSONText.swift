/// JSON as streams keep it: checked, cut into messages, never changed in meaning and never decoded.
@available(freshet 0.1, *)
package struct JSONText {
    /// How many arrays and objects may stand within each other.
    package static let maximumDepth = 256

    /// The messages of an `application/json` body: the elements of an array, one level only, or the one value there
    /// is. Each is the exact bytes of the value, without the whitespace around it. `[]` holds no message.
    package static func split(_ body: [UInt8]) throws(JSONError) -> [[UInt8]] {
        var messages: [[UInt8]] = []
        try scanMessages(of: body) { messages.append(Array(body[$0])) }
        return messages
    }

    /// Tells where each of those messages stands in the body, and copies none.
    package static func scanMessages(of body: [UInt8], message: (Range<Int>) -> Void) throws(JSONError) {
        var scanner = JSONScanner(body)
        scanner.skipBlanks()
        if scanner.peek == UInt8(ascii: "[") {
            try scanner.scanArray(element: message)
        } else {
            message(try scanner.scanValue())
        }
        try scanner.scanEnd()
    }

    /// Throws unless the bytes are exactly one JSON value, with or without whitespace around it (RFC 8259).
    package static func validate(_ value: some Collection<UInt8>) throws(JSONError) {
        let value = Array(value)
        try validate(value, value.indices)
    }

    /// The same of a part of some bytes; an error's position is counted from its start.
    package static func validate(_ bytes: [UInt8], _ part: Range<Int>) throws(JSONError) {
        var scanner = JSONScanner(bytes, in: part)
        do throws(JSONError) {
            scanner.skipBlanks()
            _ = try scanner.scanValue()
            try scanner.scanEnd()
        } catch {
            throw JSONError(position: error.position - part.lowerBound, reason: error.reason)
        }
    }

    /// A valid value without line ends. CR and LF stand only between the tokens of valid JSON, so a space will do.
    package static func singleLine(_ value: [UInt8]) -> [UInt8] {
        let isLineEnd = { (byte: UInt8) in byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }
        guard value.contains(where: isLineEnd) else { return value }
        return value.map { isLineEnd($0) ? UInt8(ascii: " ") : $0 }
    }
}
