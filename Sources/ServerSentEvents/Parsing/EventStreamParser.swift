/// An incremental parser of event streams (WHATWG HTML, section 9.2.6 "Interpreting an event stream").
///
/// Feed it the bytes of one `text/event-stream` body in pieces of any size, as they arrive. What it reports does not
/// depend on where they were cut: line ends (LF, CR and CRLF), UTF-8 sequences and the byte order mark may be
/// split anywhere. Bytes that are not UTF-8 become U+FFFD. A line is copied only if it spans several pieces.
///
/// ```swift
/// var parser = EventStreamParser()
/// for output in try parser.parse(Array("id: 1\ndata: Hello\n\n".utf8)) {
///     if case .event(let event) = output {
///         print(event.data, event.lastEventID)
///     }
/// }
/// parser.finish()
/// ```
public struct EventStreamParser: Sendable {
    /// How much a stream may make the parser hold.
    public struct Limits: Hashable, Sendable {
        /// The greatest length of one line in bytes, without its end.
        public var lineBytes: Int
        /// The greatest length of one event's data in bytes, the line feeds between its lines included.
        public var eventBytes: Int

        /// Creates limits; 1 MiB for a line and 8 MiB for the data of an event unless told otherwise.
        public init(lineBytes: Int = 1 << 20, eventBytes: Int = 8 << 20) {
            self.lineBytes = lineBytes
            self.eventBytes = eventBytes
        }
    }

    /// What the parser finds, in the order of the stream.
    public enum Output: Hashable, Sendable {
        /// A block with data was finished by a blank line.
        case event(ServerSentEvent)
        /// A comment line: all that follows its colon, a leading space included.
        case comment(String)
        /// The stream names the time to wait before reconnecting. It is reported when its line ends, since it takes
        /// effect then, even if its block is never finished. A number that does not fit an `Int` is ignored.
        case retry(milliseconds: Int)
    }

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

    private let limits: Limits
    private var failure: EventStreamParserError?

    /// The last event ID of the last finished block, or the one given at the start: the position to reconnect with.
    /// A block that no blank line has finished does not change it; a finished one does even if it had no data.
    public private(set) var lastEventID: String

    /// How many bytes of a byte order mark have been seen at the stream's start; nil once past it.
    private var byteOrderMarkBytes: Int? = 0
    /// Whether the last byte was a CR, whose line has been taken already.
    private var endedWithCarriageReturn = false
    /// The start of a line whose end has not come yet. Its bytes have been searched and are not searched again.
    private var partialLine: [UInt8] = []

    /// Whether the block has a line, of whatever kind.
    private var blockHasLines = false
    private var block = PendingBlock()
    /// The ID that the unfinished block, once finished, puts in force.
    private var pendingEventID: String

    /// How many bytes have been searched for line ends: the work done, by which tests show that it is linear.
    private(set) var searchedBytes = 0

    /// Creates a parser for one stream.
    ///
    /// - Parameters:
    ///   - limits: What the parser may be made to hold.
    ///   - lastEventID: The last event ID in force when the stream starts: after a reconnect, the one asked with.
    public init(limits: Limits = .init(), lastEventID: String = "") {
        self.limits = limits
        self.lastEventID = lastEventID
        pendingEventID = lastEventID
    }

    /// Whether a block has begun that no blank line has finished yet: there are bytes after the last finished block.
    public var hasUnfinishedBlock: Bool {
        blockHasLines || !partialLine.isEmpty || (byteOrderMarkBytes ?? 0) > 0
    }

    /// Parses the next bytes of the stream.
    ///
    /// - Parameters:
    ///   - bytes: The bytes, which need to stay valid only during this call.
    ///   - body: Called with each output, in order.
    /// - Throws: `EventStreamParserError` when a limit is exceeded, after all outputs before that place were
    ///   reported. The parser then stays failed: every later call throws the same error.
    public mutating func parse(
        _ bytes: UnsafeRawBufferPointer,
        _ body: (Output) -> Void
    ) throws(EventStreamParserError) {
        if let failure { throw failure }
        guard let lastByte = bytes.last else { return }
        var cursor = LineCursor(bytes, afterCarriageReturn: endedWithCarriageReturn)
        endedWithCarriageReturn = lastByte == ASCII.carriageReturn
        skipByteOrderMark(bytes, &cursor)
        do throws(EventStreamParserError) {
            while let range = cursor.next() {
                let line = UnsafeRawBufferPointer(rebasing: bytes[range])
                if partialLine.isEmpty {
                    try take(line, at: range.lowerBound, of: bytes, body)
                } else {
                    try appendToPartialLine(line)
                    try takePartialLine(of: bytes, body)
                }
            }
            try appendToPartialLine(UnsafeRawBufferPointer(rebasing: bytes[cursor.position...]))
            block.copyData(from: bytes)
            searchedBytes &+= cursor.searchedBytes
        } catch {
            failure = error
            throw error
        }
    }

    /// Parses the next bytes of the stream and returns what they complete.
    ///
    /// - Throws: `EventStreamParserError` as the other form does. The outputs of this call are lost then; use the
    ///   form with a closure to get those that came before the place of the error.
    public mutating func parse(_ bytes: [UInt8]) throws(EventStreamParserError) -> [Output] {
        var outputs: [Output] = []
        try bytes.withUnsafeBufferPointer { (bytes) throws(EventStreamParserError) in
            try parse(UnsafeRawBufferPointer(bytes)) { outputs.append($0) }
        }
        return outputs
    }

    /// Ends the stream. What no blank line has finished is discarded, its ID too, as the standard says.
    ///
    /// The parser is then ready for the next stream of the same source, and keeps `lastEventID`; one that has failed
    /// stays failed.
    public mutating func finish() {
        byteOrderMarkBytes = 0
        endedWithCarriageReturn = false
        partialLine = []
        blockHasLines = false
        block = PendingBlock()
        pendingEventID = lastEventID
    }

    /// Ends the stream as if its last line and its last block had been finished.
    ///
    /// This is not what the standard says of a reader, which cannot tell a torn stream from a whole one. It is for a
    /// receiver that knows the body to be complete, such as a server at the clean end of a request.
    ///
    /// - Parameter body: Called with each output, in order.
    /// - Throws: `EventStreamParserError` when the last line exceeds a limit, or when the parser has failed before.
    public mutating func finishKeepingUnfinishedBlock(_ body: (Output) -> Void) throws(EventStreamParserError) {
        if let failure { throw failure }
        let chunk = UnsafeRawBufferPointer(start: nil, count: 0)
        do throws(EventStreamParserError) {
            endByteOrderMark()
            if !partialLine.isEmpty {
                try takePartialLine(of: chunk, body)
            }
            if blockHasLines {
                finishBlock(of: chunk, body)
            }
        } catch {
            failure = error
            throw error
        }
        finish()
    }
}

// MARK: - Lines

extension EventStreamParser {
    /// Skips the byte order mark that one stream in a few starts with. A mark anywhere else is part of its line.
    private mutating func skipByteOrderMark(_ bytes: UnsafeRawBufferPointer, _ cursor: inout LineCursor) {
        guard var seen = byteOrderMarkBytes else { return }
        for byte in bytes {
            guard byte == Self.byteOrderMark[seen] else {
                endByteOrderMark()
                return
            }
            cursor.skip(1)
            seen += 1
            byteOrderMarkBytes = seen
            if seen == Self.byteOrderMark.count {
                byteOrderMarkBytes = nil
                return
            }
        }
    }

    /// Makes what looked like a byte order mark, and is none, the start of the first line.
    private mutating func endByteOrderMark() {
        guard let seen = byteOrderMarkBytes else { return }
        partialLine.append(contentsOf: Self.byteOrderMark[..<seen])
        byteOrderMarkBytes = nil
    }

    private mutating func appendToPartialLine(_ bytes: UnsafeRawBufferPointer) throws(EventStreamParserError) {
        guard bytes.count <= limits.lineBytes - partialLine.count else {
            throw .lineTooLong(limit: limits.lineBytes)
        }
        partialLine.append(contentsOf: bytes)
    }

    private mutating func takePartialLine(
        of chunk: UnsafeRawBufferPointer,
        _ body: (Output) -> Void
    ) throws(EventStreamParserError) {
        let line = partialLine
        partialLine = []
        try line.withUnsafeBufferPointer { (line) throws(EventStreamParserError) in
            try take(UnsafeRawBufferPointer(line), at: nil, of: chunk, body)
        }
    }

    /// Takes one complete line.
    ///
    /// - Parameters:
    ///   - line: The line without its end.
    ///   - offset: Where it lies in `chunk`, or nil if it was put together from several.
    ///   - chunk: The bytes being parsed.
    private mutating func take(
        _ line: UnsafeRawBufferPointer,
        at offset: Int?,
        of chunk: UnsafeRawBufferPointer,
        _ body: (Output) -> Void
    ) throws(EventStreamParserError) {
        guard let first = line.first else {
            finishBlock(of: chunk, body)
            return
        }
        guard line.count <= limits.lineBytes else { throw .lineTooLong(limit: limits.lineBytes) }
        blockHasLines = true
        if first == ASCII.colon {
            body(.comment(String(decoding: line[1...], as: UTF8.self)))
        } else if let start = line.valueStart(ofField: "data") {
            let value = UnsafeRawBufferPointer(rebasing: line[start...])
            try block.appendData(value, at: offset.map { $0 + start }, of: chunk, limit: limits.eventBytes)
        } else if let start = line.valueStart(ofField: "event") {
            block.type = String(decoding: line[start...], as: UTF8.self)
        } else if let start = line.valueStart(ofField: "id") {
            if !line[start...].contains(ASCII.null) {
                pendingEventID = String(decoding: line[start...], as: UTF8.self)
            }
        } else if let start = line.valueStart(ofField: "retry") {
            if let milliseconds = line[start...].decimalNumber {
                body(.retry(milliseconds: milliseconds))
            }
        }
    }

    private mutating func finishBlock(of chunk: UnsafeRawBufferPointer, _ body: (Output) -> Void) {
        blockHasLines = false
        lastEventID = pendingEventID
        let data = block.takeData(from: chunk)
        let type = block.type
        block.type = ""
        if let data {
            body(.event(ServerSentEvent(type: type.isEmpty ? "message" : type, data: data, lastEventID: lastEventID)))
        }
    }
}
