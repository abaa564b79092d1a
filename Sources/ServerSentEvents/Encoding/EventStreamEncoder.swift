/// Writes blocks of an event stream (WHATWG HTML, section 9.2.5 "Parsing an event stream" gives the grammar).
///
/// A payload cannot forge a field or an event: data and comments are split at CR, LF and CRLF, and the other fields
/// are refused if they hold one. Lines end in LF, no byte order mark is ever written, and what is not UTF-8 becomes
/// U+FFFD, just as in `String(decoding:as:)`.
///
/// A reader gets exactly one equal event for a block with data, with one difference that the format makes
/// unavoidable: a CR or CRLF in the data arrives as LF.
///
/// ```swift
/// let encoder = EventStreamEncoder()
/// let bytes = try encoder.encode(EventBlock(event: "token", id: "7", data: "Hello"))
/// // event: token\nid: 7\ndata: Hello\n\n
/// ```
public struct EventStreamEncoder: Sendable {
    /// Whether a space follows the colon of each line. The standard lets readers ignore it, but some match `data: {`
    /// and others `data:{` literally. A value that itself begins with a space is always given one, or it would lose
    /// its own.
    public var spaceAfterColon: Bool

    /// Creates an encoder; with a space after each colon unless told otherwise.
    public init(spaceAfterColon: Bool = true) {
        self.spaceAfterColon = spaceAfterColon
    }

    /// Returns how many bytes `write` will write for a block.
    ///
    /// - Throws: `EventStreamEncoderError` if the block cannot be written.
    public func byteCount(of block: EventBlock) throws(EventStreamEncoderError) -> Int {
        var counter = ByteCounter()
        try encode(block, into: &counter)
        return counter.count
    }

    /// Writes a block to memory, without allocating any.
    ///
    /// - Parameters:
    ///   - block: The block.
    ///   - buffer: Where to write. It must have room for `byteCount(of: block)` bytes; a shorter one is a programming
    ///     error and stops the program.
    /// - Returns: How many bytes were written, from the buffer's start.
    /// - Throws: `EventStreamEncoderError` if the block cannot be written; nothing was written then.
    public func write(
        _ block: EventBlock,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws(EventStreamEncoderError) -> Int {
        var writer = ByteWriter(buffer)
        try encode(block, into: &writer)
        return writer.count
    }

    /// Returns the bytes of a block.
    ///
    /// - Throws: `EventStreamEncoderError` if the block cannot be written.
    public func encode(_ block: EventBlock) throws(EventStreamEncoderError) -> [UInt8] {
        var bytes: [UInt8] = []
        try append(block, to: &bytes)
        return bytes
    }

    /// Appends the bytes of a block to others.
    ///
    /// - Throws: `EventStreamEncoderError` if the block cannot be written; the bytes are unchanged then.
    public func append(_ block: EventBlock, to bytes: inout [UInt8]) throws(EventStreamEncoderError) {
        let count = try byteCount(of: block)
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        try bytes.withUnsafeMutableBufferPointer { (bytes) throws(EventStreamEncoderError) in
            let end = UnsafeMutableBufferPointer(rebasing: bytes[start...])
            _ = try write(block, into: UnsafeMutableRawBufferPointer(end))
        }
    }
}

// MARK: - The form of a block

extension EventStreamEncoder {
    private func encode(_ block: EventBlock, into sink: inout some ByteSink) throws(EventStreamEncoderError) {
        // All checks come first, so that a refused block leaves nothing behind.
        try check(block)
        if var comment = block.comment {
            // A native string is contiguous UTF-8 already, and nothing is copied.
            comment.withUTF8 { putLines(of: UnsafeRawBufferPointer($0), isValid: true, field: "", into: &sink) }
        }
        if let event = block.event {
            putLine(event, field: "event", into: &sink)
        }
        if let retry = block.retry {
            putName("retry", beforeSpace: false, into: &sink)
            put(decimal: retry, into: &sink)
            sink.put(ASCII.lineFeed)
        }
        if let id = block.id {
            putLine(id, field: "id", into: &sink)
        }
        if let data = block.data {
            data.withUnsafeBytes { putLines(of: $0, isValid: false, field: "data", into: &sink) }
        }
        sink.put(ASCII.lineFeed)
    }

    private func check(_ block: EventBlock) throws(EventStreamEncoderError) {
        if block.comment == nil, block.event == nil, block.retry == nil, block.id == nil, block.data == nil {
            throw .emptyBlock
        }
        if let event = block.event {
            try checkIsOneLine(event, field: "event")
        }
        if let id = block.id {
            try checkIsOneLine(id, field: "id")
        }
        if let retry = block.retry, retry < 0 {
            throw .negativeRetry(retry)
        }
    }

    private func checkIsOneLine(_ value: String, field: StaticString) throws(EventStreamEncoderError) {
        func isForbidden(_ byte: UInt8) -> Bool {
            byte == ASCII.lineFeed || byte == ASCII.carriageReturn || byte == ASCII.null
        }
        var value = value
        let forbidden = value.withUTF8 { bytes in
            // The least byte is found many bytes at a time, and is nearly always beyond all three.
            bytes.reduce(.max) { min($0, $1) } <= ASCII.carriageReturn ? bytes.first(where: isForbidden) : nil
        }
        if let forbidden {
            throw .forbiddenByte(forbidden, inField: field)
        }
    }

    private func putLine(_ value: String, field: StaticString, into sink: inout some ByteSink) {
        var value = value
        value.withUTF8 { putLine(UnsafeRawBufferPointer($0), isValid: true, field: field, into: &sink) }
    }

    /// Puts one line of this field for each line of the text. The text after the last line end is a line, too, even
    /// if it is empty: a reader joins the lines with LF and so restores the line end before it.
    private func putLines(
        of text: UnsafeRawBufferPointer,
        isValid: Bool,
        field: StaticString,
        into sink: inout some ByteSink
    ) {
        var lines = LineCursor(text)
        while let range = lines.next() {
            putLine(UnsafeRawBufferPointer(rebasing: text[range]), isValid: isValid, field: field, into: &sink)
        }
        let last = UnsafeRawBufferPointer(rebasing: text[lines.position...])
        putLine(last, isValid: isValid, field: field, into: &sink)
    }

    private func putLine(
        _ line: UnsafeRawBufferPointer,
        isValid: Bool,
        field: StaticString,
        into sink: inout some ByteSink
    ) {
        putName(field, beforeSpace: line.first == ASCII.space, into: &sink)
        if isValid {
            sink.put(line)
        } else {
            putRepaired(line, into: &sink)
        }
        sink.put(ASCII.lineFeed)
    }

    private func putName(_ name: StaticString, beforeSpace: Bool, into sink: inout some ByteSink) {
        sink.put(UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        sink.put(ASCII.colon)
        if spaceAfterColon || beforeSpace {
            sink.put(ASCII.space)
        }
    }

    /// Puts the bytes with each ill-formed sequence replaced by U+FFFD. Well-formed stretches are copied as they are.
    private func putRepaired(_ line: UnsafeRawBufferPointer, into sink: inout some ByteSink) {
        var rest = line
        while let illFormed = rest.firstIllFormedUTF8 {
            sink.put(UnsafeRawBufferPointer(rebasing: rest[..<illFormed.lowerBound]))
            sink.put(0xEF)
            sink.put(0xBF)
            sink.put(0xBD)
            rest = UnsafeRawBufferPointer(rebasing: rest[illFormed.upperBound...])
        }
        sink.put(rest)
    }

    private func put(decimal number: Int, into sink: inout some ByteSink) {
        var divisor = 1
        while number / divisor >= 10 {
            divisor *= 10
        }
        while divisor > 0 {
            sink.put(ASCII.zero + UInt8(number / divisor % 10))
            divisor /= 10
        }
    }
}
