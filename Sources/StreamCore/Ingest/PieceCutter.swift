import ServerSentEvents
import TextCodecs

/// Cuts a body that is still arriving into events, by the type of its stream: server-sent event blocks, lines, or, for
/// other text, what has arrived since the last time, never in the middle of a UTF-8 character.
@available(freshet 0.1, *)
package struct PieceCutter: Sendable {
    private enum Cutting {
        case blocks(EventStreamParser)
        case lines(LineCutter)
        case text([UInt8])
    }

    private let limits: PieceLimits
    private let most: Int
    private var cutting: Cutting
    private var pieces = EventBatch()
    private var failure: PieceError?

    /// Nil for the types whose bodies are always one atomic append: JSON and binary.
    ///
    /// - Parameter most: How many events it cuts before they are taken; one more is an error.
    package init?(kind: ContentType.Kind, limits: PieceLimits, most: Int = .max) {
        self.limits = limits
        self.most = most
        switch kind {
        case .eventStream:
            let limits = EventStreamParser.Limits(lineBytes: limits.lineBytes, eventBytes: limits.eventBytes)
            cutting = .blocks(EventStreamParser(limits: limits))
        case .ndjson:
            cutting = .lines(LineCutter(limit: min(limits.lineBytes, limits.eventBytes), most: most))
        case .text: cutting = .text([])
        case .json, .binary: return nil
        }
    }

    /// Takes in more of the body. After an error nothing more is taken in; what was whole before it can still be taken.
    package mutating func feed(_ bytes: UnsafeRawBufferPointer) throws(PieceError) {
        if let failure { throw failure }
        do throws(PieceError) {
            switch cutting {
            case .blocks(var parser):
                cutting = .text([])  // so that the parser is not shared while it changes
                defer { cutting = .blocks(parser) }
                try collect { (body) throws(EventStreamParserError) in try parser.parse(bytes, body) }
            case .lines(var cutter):
                cutting = .text([])
                defer { cutting = .lines(cutter) }
                try cutter.feed(bytes, into: &pieces)
            case .text(var text):
                cutting = .text([])
                text.append(contentsOf: bytes)
                cutting = .text(text)
            }
        } catch {
            failure = error
            throw error
        }
    }

    package mutating func feed(_ bytes: [UInt8]) throws(PieceError) { try feed(bytes, bytes.indices) }

    package mutating func feed(_ bytes: [UInt8], _ part: Range<Int>) throws(PieceError) {
        let result: Result<Void, PieceError> = bytes.withUnsafeBytes { bytes in
            do throws(PieceError) {
                return .success(try feed(UnsafeRawBufferPointer(rebasing: bytes[part])))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    /// The body ended as HTTP says it ends: an unfinished last block or line counts as finished.
    package mutating func finish() throws(PieceError) {
        if let failure { throw failure }
        do throws(PieceError) {
            switch cutting {
            case .blocks(var parser):
                cutting = .text([])
                defer { cutting = .blocks(parser) }
                try collect { (body) throws(EventStreamParserError) in
                    try parser.finishKeepingUnfinishedBlock(body)
                }
            case .lines(var cutter):
                cutting = .text([])
                defer { cutting = .lines(cutter) }
                try cutter.finish(into: &pieces)
            case .text(let text):
                cutting = .text([])
                keepText(text[...])
            }
        } catch {
            failure = error
            throw error
        }
    }

    /// Whether the body stopped in the middle of a block or line.
    package var isUnfinished: Bool {
        switch cutting {
        case .blocks(let parser): parser.hasUnfinishedBlock
        case .lines(let cutter): cutter.isUnfinished
        case .text(let text): !text.isEmpty
        }
    }

    /// Everything that is whole by now, once.
    package mutating func takePieces() -> EventBatch {
        if case .text(let text) = cutting, !text.isEmpty {
            let whole = text.count - Self.unfinishedCharacter(at: text)
            if whole > 0 {
                cutting = .text(Array(text[whole...]))
                keepText(text[..<whole])
            }
        }
        defer { pieces = EventBatch() }
        return pieces.fitted
    }

    private mutating func keepText(_ text: ArraySlice<UInt8>) {
        var rest = text
        while rest.count > limits.eventBytes {
            let piece = rest.prefix(limits.eventBytes)
            let whole = piece.count - Self.unfinishedCharacter(at: piece)
            pieces.append(piece.prefix(whole > 0 ? whole : piece.count))
            rest = rest.dropFirst(whole > 0 ? whole : piece.count)
        }
        if !rest.isEmpty { pieces.append(rest) }
    }

    private mutating func collect(
        _ parse: (_ body: (EventStreamParser.Output) -> Void) throws(EventStreamParserError) -> Void
    ) throws(PieceError) {
        var failure: PieceError?
        do throws(EventStreamParserError) {
            try parse { output in
                guard failure == nil, case .event(let event) = output else { return }
                failure = keep(event)
            }
        } catch {
            failure =
                failure
                ?? (error.code == .lineTooLong
                    ? .lineTooLong(limit: limits.lineBytes) : .eventTooLarge(limit: limits.eventBytes))
        }
        if let failure { throw failure }
    }

    private mutating func keep(_ event: ServerSentEvent) -> PieceError? {
        guard pieces.count < most else { return .tooManyEvents(limit: most) }
        let type = event.type == "message" ? nil : event.type
        if let type {
            guard ReservedEventType(rawValue: type) == nil else { return .reservedType(type) }
            guard !type.utf8.contains(0) else { return .invalidType }
        }
        pieces.append(type: type) { $0.append(contentsOf: event.data.utf8) }
        return nil
    }

    /// How many bytes at the end are the beginning of a UTF-8 character whose rest has not arrived.
    static func unfinishedCharacter(at text: some BidirectionalCollection<UInt8>) -> Int {
        var count = 0
        for byte in text.reversed() {
            count += 1
            switch byte {
            case 0x80...0xBF: if count == 3 { return 0 }
            case 0xC2...0xDF: return count < 2 ? count : 0
            case 0xE0...0xEF: return count < 3 ? count : 0
            case 0xF0...0xF4: return count < 4 ? count : 0
            default: return 0
            }
        }
        return 0
    }
}

/// Cuts NDJSON into its lines. Blank lines are nothing; a line that is not JSON is an error that names it.
@available(freshet 0.1, *)
struct LineCutter: Sendable {
    private let limit: Int
    private let most: Int
    private var line: [UInt8] = []
    private var number = 1

    init(limit: Int, most: Int) {
        self.limit = limit
        self.most = most
    }

    var isUnfinished: Bool { !line.isEmpty }

    mutating func feed(_ bytes: UnsafeRawBufferPointer, into pieces: inout EventBatch) throws(PieceError) {
        var start = 0
        while let end = bytes.firstIndex(of: UInt8(ascii: "\n"), from: start) {
            let part = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
            if line.isEmpty {
                guard part.count <= limit else { throw .lineTooLong(limit: limit) }
                try take(part, into: &pieces)
            } else {
                try keep(part)
                try finish(into: &pieces)
            }
            number += 1
            start = end + 1
        }
        try keep(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    }

    mutating func finish(into pieces: inout EventBatch) throws(PieceError) {
        defer { line = [] }
        try take(line, into: &pieces)
    }

    private func take(
        _ line: some BidirectionalCollection<UInt8>,
        into pieces: inout EventBatch
    ) throws(PieceError) {
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
        guard line.contains(where: { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\t") }) else { return }
        guard pieces.count < most else { throw .tooManyEvents(limit: most) }
        do throws(JSONError) {
            try pieces.append(
                line,
                checkedBy: { (bytes, part) throws(JSONError) in try JSONText.validate(bytes, part) }
            )
        } catch {
            throw .invalidJSON(line: number, reason: "\(error)")
        }
    }

    private mutating func keep(_ bytes: UnsafeRawBufferPointer) throws(PieceError) {
        guard line.count + bytes.count <= limit else { throw .lineTooLong(limit: limit) }
        line.append(contentsOf: bytes)
    }
}
