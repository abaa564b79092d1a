/// RESP3 written down as plainly as possible, for bytes that are all there: what the real parser is compared with.
struct ReferenceReader {
    enum Outcome: Error {
        case complete, incomplete, broken
    }

    var rest: ArraySlice<UInt8>
    let limits: RESPLimits
    /// Values and bytes of the reply that is being read.
    private var values = 0
    private var bytes = 0

    init(rest: ArraySlice<UInt8>, limits: RESPLimits) {
        self.rest = rest
        self.limits = limits
    }

    mutating func readAll() -> ([RESPValue], Outcome) {
        var replies: [RESPValue] = []
        do throws(Outcome) {
            while !rest.isEmpty {
                values = 0
                bytes = 0
                replies.append(try readValue(depth: 0))
            }
        } catch {
            return (replies, error)
        }
        return (replies, .complete)
    }

    private mutating func take() throws(Outcome) -> UInt8 {
        guard let byte = rest.popFirst() else { throw .incomplete }
        return byte
    }

    private mutating func readEnd() throws(Outcome) {
        guard try take() == 13 else { throw .broken }
        guard try take() == 10 else { throw .broken }
    }

    private mutating func readLine() throws(Outcome) -> String {
        var line: [UInt8] = []
        while true {
            let byte = try take()
            if byte == 13 { break }
            guard byte != 10 else { throw .broken }
            line.append(byte)
        }
        guard try take() == 10 else { throw .broken }
        // One scalar a byte, so that the text says which bytes they were.
        return String(String.UnicodeScalarView(line.map { Unicode.Scalar($0) }))
    }

    private mutating func readLength() throws(Outcome) -> Int {
        guard let length = Self.integer(try readLine()) else { throw .broken }
        return Int(length)
    }

    private static func integer(_ text: String) -> Int64? {
        let isPlain = text.unicodeScalars.allSatisfy { "0123456789+-".unicodeScalars.contains($0) }
        return isPlain ? Int64(text) : nil
    }

    private mutating func count(_ more: Int) throws(Outcome) {
        bytes += more
        guard bytes <= limits.reply else { throw .broken }
    }

    private mutating func readBytes(_ length: Int) throws(Outcome) -> [UInt8] {
        guard length >= 0, length <= limits.bulk else { throw .broken }
        try count(length)
        guard rest.count >= length else { throw .incomplete }
        let bytes = Array(rest.prefix(length))
        rest.removeFirst(length)
        try readEnd()
        return bytes
    }

    private mutating func readValues(_ count: Int, depth: Int) throws(Outcome) -> [RESPValue] {
        guard count >= 0, count <= limits.elements - values, depth < limits.depth else { throw .broken }
        var values: [RESPValue] = []
        for _ in 0..<count { values.append(try readValue(depth: depth + 1)) }
        return values
    }

    private mutating func readPairs(depth: Int) throws(Outcome) -> [RESPPair] {
        let count = try readLength()
        guard count >= 0, count <= limits.elements else { throw .broken }
        let values = try readValues(2 * count, depth: depth)
        return (0..<count).map { RESPPair(values[2 * $0], values[2 * $0 + 1]) }
    }

    private mutating func readValue(depth: Int) throws(Outcome) -> RESPValue {
        let type = try take()
        values += 1
        guard values <= limits.elements else { throw .broken }
        switch Character(Unicode.Scalar(type)) {
        case "+": return .simple(try readText())
        case "-": return .error(RESPError(try readText()))
        case ":":
            guard let integer = Self.integer(String(decoding: try readText(), as: UTF8.self)) else { throw .broken }
            return .integer(integer)
        case ",": return .double(try readDouble())
        case "(":
            let text = try readText()
            let digits = text.first.map { [43, 45].contains($0) } ?? false ? Array(text.dropFirst()) : text
            guard !digits.isEmpty, digits.allSatisfy({ (48...57).contains($0) }) else { throw .broken }
            return .bigNumber(text)
        case "#":
            switch String(decoding: try readText(), as: UTF8.self) {
            case "t": return .boolean(true)
            case "f": return .boolean(false)
            default: throw .broken
            }
        case "_":
            guard try readLine().isEmpty else { throw .broken }
            return .null
        case "$":
            let length = try readLength()
            return length == -1 ? .null : .bulk(try readBytes(length))
        case "!": return .error(RESPError(try readBytes(try readLength())))
        case "=":
            let bytes = try readBytes(try readLength())
            guard bytes.count >= 4, bytes[3] == 58 else { throw .broken }
            return .bulk(Array(bytes.dropFirst(4)))
        case "*":
            let count = try readLength()
            return count == -1 ? .null : .array(try readValues(count, depth: depth))
        case "~": return .set(try readValues(try readLength(), depth: depth))
        case "%": return .map(try readPairs(depth: depth))
        case ">":
            let count = try readLength()
            // What is wrong is one thing or the other.
            guard count >= 0, depth == 0 else { throw .broken }
            return .push(try readValues(count, depth: depth))
        case "|":
            _ = try readPairs(depth: depth)
            return try readValue(depth: depth)
        default: throw .broken
        }
    }

    private mutating func readText() throws(Outcome) -> [UInt8] {
        let text = try readLine().unicodeScalars.map { UInt8($0.value) }
        try count(text.count)
        return text
    }

    private mutating func readDouble() throws(Outcome) -> Double {
        let text = String(decoding: try readText(), as: UTF8.self)
        switch text {
        case "inf", "+inf": return .infinity
        case "-inf": return -.infinity
        case "nan", "-nan": return .nan
        default:
            let isPlain = text.unicodeScalars.allSatisfy { "0123456789+-.eE".unicodeScalars.contains($0) }
            guard isPlain, let double = Double(text) else { throw .broken }
            return double
        }
    }
}
