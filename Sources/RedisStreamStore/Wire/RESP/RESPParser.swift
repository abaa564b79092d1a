/// Reads RESP3 as it arrives, in pieces of any size.
///
/// A machine with a stack of its own: it looks at each byte once and calls itself never, so that neither the pieces nor
/// the nesting that a peer chooses cost more than their bytes. What it holds is bounded by `RESPLimits`, and a length
/// that is only claimed reserves little. After an error nothing more is read.
@available(freshet 0.1, *)
package struct RESPParser: Sendable {
    /// The byte that a value begins with.
    private enum Kind: UInt8 {
        case simple = 0x2B, error = 0x2D, integer = 0x3A, double = 0x2C, boolean = 0x23, null = 0x5F, bigNumber = 0x28
        case bulk = 0x24, verbatim = 0x3D, bulkError = 0x21
        case array = 0x2A, map = 0x25, set = 0x7E, push = 0x3E, attribute = 0x7C
    }

    private enum State {
        /// At the first byte of a value.
        case start
        /// In the line behind it.
        case line(Kind)
        /// Behind the CR of that line.
        case lineFeed(Kind)
        /// In a string, so many bytes of which are missing.
        case body(Kind, missing: Int)
        case bodyReturn(Kind)
        case bodyFeed(Kind)
        case failed(RESPParseError)
    }

    /// A value that is made of others.
    private struct Frame {
        var kind: Kind
        var missing: Int
        var values: [RESPValue]
    }

    /// The most elements and bytes that are reserved because they are announced.
    private static let reserved = (elements: 1024, bytes: 64 << 10)
    private static let carriageReturn = UInt8(ascii: "\r")
    private static let lineFeed = UInt8(ascii: "\n")

    private let limits: RESPLimits
    private var state = State.start
    /// What is there of a line or a string that arrives in pieces.
    private var text: [UInt8] = []
    private var stack: [Frame] = []
    /// Values and bytes of the reply that is being read.
    private var elements = 0
    private var bytes = 0

    package init(limits: RESPLimits = RESPLimits()) {
        self.limits = limits
    }

    /// Whether the last reply is read and nothing of another.
    package var isBetweenReplies: Bool {
        if case .start = state { return stack.isEmpty && elements == 0 }
        return false
    }

    /// Reads on, up to the end of a reply.
    ///
    /// - Parameters:
    ///   - input: a piece of what arrives; the parser keeps no pointer into it.
    ///   - position: where in the piece to begin; where it stopped.
    /// - Returns: Nil when the piece is used up.
    package mutating func next(
        _ input: UnsafeRawBufferPointer,
        _ position: inout Int
    ) throws(RESPParseError) -> RESPValue? {
        do throws(RESPParseError) {
            while position < input.count {
                if let reply = try step(input, &position) { return reply }
            }
            return nil
        } catch {
            state = .failed(error)
            text = []
            stack = []
            throw error
        }
    }

    private mutating func step(
        _ input: UnsafeRawBufferPointer,
        _ position: inout Int
    ) throws(RESPParseError) -> RESPValue? {
        switch state {
        case .start:
            let byte = input[position]
            guard let kind = Kind(rawValue: byte) else { throw .unknownType(byte) }
            guard elements < limits.elements else { throw .tooManyElements }
            position += 1
            elements += 1
            state = .line(kind)
            return nil
        case .line(let kind):
            return try readLine(kind, input, &position)
        case .lineFeed(let kind):
            guard input[position] == Self.lineFeed else { throw .brokenLineEnd }
            position += 1
            let line = take()
            return try line.withUnsafeBufferPointer { line throws(RESPParseError) in
                try self.lineEnded(kind, UnsafeRawBufferPointer(line))
            }
        case .body(let kind, let missing):
            let end = position + min(missing, input.count - position)
            let piece = UnsafeRawBufferPointer(rebasing: input[position..<end])
            position = end
            if text.isEmpty && piece.count == missing {
                text = Array(piece)
            } else {
                if text.isEmpty { text.reserveCapacity(min(missing, Self.reserved.bytes)) }
                text.append(contentsOf: piece)
            }
            state = piece.count == missing ? .bodyReturn(kind) : .body(kind, missing: missing - piece.count)
            return nil
        case .bodyReturn(let kind):
            guard input[position] == Self.carriageReturn else { throw .brokenLineEnd }
            position += 1
            state = .bodyFeed(kind)
            return nil
        case .bodyFeed(let kind):
            guard input[position] == Self.lineFeed else { throw .brokenLineEnd }
            position += 1
            return complete(try string(kind, take()))
        case .failed(let error):
            throw error
        }
    }

    private mutating func take() -> [UInt8] {
        defer { text = [] }
        return text
    }

    private mutating func readLine(
        _ kind: Kind,
        _ input: UnsafeRawBufferPointer,
        _ position: inout Int
    ) throws(RESPParseError) -> RESPValue? {
        var end = position
        while end < input.count, input[end] != Self.carriageReturn, input[end] != Self.lineFeed { end += 1 }
        let piece = UnsafeRawBufferPointer(rebasing: input[position..<end])
        guard piece.count <= limits.line - text.count else { throw .lineTooLong }
        // Nearly every line is here as a whole: it is read where it lies.
        if text.isEmpty, end + 1 < input.count, input[end] == Self.carriageReturn, input[end + 1] == Self.lineFeed {
            position = end + 2
            return try lineEnded(kind, piece)
        }
        text.append(contentsOf: piece)
        position = end
        guard end < input.count else { return nil }
        guard input[end] == Self.carriageReturn else { throw .brokenLineEnd }
        position += 1
        state = .lineFeed(kind)
        return nil
    }

    private mutating func lineEnded(
        _ kind: Kind,
        _ line: UnsafeRawBufferPointer
    ) throws(RESPParseError) -> RESPValue? {
        switch kind {
        case .bulk, .verbatim, .bulkError:
            let length = try length(line, nullIf: kind == .bulk)
            guard let length else { return complete(.null) }
            guard length <= limits.bulk else { throw .bulkTooLong }
            try count(bytes: length)
            state = length == 0 ? .bodyReturn(kind) : .body(kind, missing: length)
            return nil
        case .array, .map, .set, .push, .attribute:
            guard let count = try length(line, nullIf: kind == .array) else { return complete(.null) }
            return try opened(kind, count)
        case .simple, .error, .integer, .double, .boolean, .null, .bigNumber:
            try count(bytes: line.count)
            return complete(try scalar(kind, line))
        }
    }

    private mutating func count(bytes more: Int) throws(RESPParseError) {
        guard more <= limits.reply - bytes else { throw .replyTooLong }
        bytes += more
    }

    /// - Returns: Nil for the -1 of RESP2, where that may be.
    private func length(_ line: UnsafeRawBufferPointer, nullIf mayBeNull: Bool) throws(RESPParseError) -> Int? {
        guard let number = RESPNumber.integer(line), let length = Int(exactly: number) else { throw .notANumber }
        if length == -1 && mayBeNull { return nil }
        guard length >= 0 else { throw .notANumber }
        return length
    }

    private func scalar(_ kind: Kind, _ line: UnsafeRawBufferPointer) throws(RESPParseError) -> RESPValue {
        switch kind {
        case .simple: return .simple(Array(line))
        case .error: return .error(RESPError(line))
        case .integer:
            guard let integer = RESPNumber.integer(line) else { throw .notANumber }
            return .integer(integer)
        case .double:
            guard let double = RESPNumber.double(Array(line)) else { throw .notANumber }
            return .double(double)
        case .bigNumber:
            guard RESPNumber.isInteger(Array(line)) else { throw .notANumber }
            return .bigNumber(Array(line))
        case .boolean:
            guard line.count == 1, line[0] == UInt8(ascii: "t") || line[0] == UInt8(ascii: "f") else {
                throw .malformed
            }
            return .boolean(line[0] == UInt8(ascii: "t"))
        case .null:
            guard line.isEmpty else { throw .malformed }
            return .null
        case .bulk, .verbatim, .bulkError, .array, .map, .set, .push, .attribute:
            preconditionFailure("these are more than a line")
        }
    }

    private func string(_ kind: Kind, _ bytes: [UInt8]) throws(RESPParseError) -> RESPValue {
        switch kind {
        case .verbatim:
            // `txt:` or `mkd:` stand before the text.
            guard bytes.count >= 4, bytes[3] == UInt8(ascii: ":") else { throw .malformed }
            return .bulk(Array(bytes[4...]))
        case .bulkError: return .error(RESPError(bytes))
        default: return .bulk(bytes)
        }
    }

    /// A value begins that is made of others.
    private mutating func opened(_ kind: Kind, _ count: Int) throws(RESPParseError) -> RESPValue? {
        if kind == .push && !stack.isEmpty { throw .pushInside }
        let arePairs = kind == .map || kind == .attribute
        // Each is counted when it begins; what cannot end is refused now.
        guard count <= (limits.elements - elements) / (arePairs ? 2 : 1) else { throw .tooManyElements }
        guard stack.count < limits.depth else { throw .tooDeep }
        var frame = Frame(kind: kind, missing: arePairs ? 2 * count : count, values: [])
        frame.values.reserveCapacity(min(frame.missing, Self.reserved.elements))
        guard count == 0 else {
            stack.append(frame)
            state = .start
            return nil
        }
        guard let value = value(of: frame) else {
            state = .start
            return nil
        }
        return complete(value)
    }

    /// A value is read: whatever ends with it, ends.
    ///
    /// - Returns: The reply, if it is one.
    private mutating func complete(_ value: RESPValue) -> RESPValue? {
        var value = value
        state = .start
        while let last = stack.indices.last {
            stack[last].values.append(value)
            stack[last].missing -= 1
            guard stack[last].missing == 0 else { return nil }
            // An attribute is not a value, but says something of the one that follows: nobody asks what.
            guard let outer = self.value(of: stack.removeLast()) else { return nil }
            value = outer
        }
        elements = 0
        bytes = 0
        return value
    }

    /// - Returns: Nil of an attribute.
    private func value(of frame: Frame) -> RESPValue? {
        switch frame.kind {
        case .set: return .set(frame.values)
        case .push: return .push(frame.values)
        case .attribute: return nil
        case .map:
            let values = frame.values
            return .map(stride(from: 0, to: values.count, by: 2).map { RESPPair(values[$0], values[$0 + 1]) })
        default: return .array(frame.values)
        }
    }
}
