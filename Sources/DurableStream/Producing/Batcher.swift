import ServerSentEvents
import TextCodecs

/// Gathers input into bodies of appends that each hold whole events only: server-sent event blocks, lines, JSON values
/// (one a line), or text that ends with a whole character.
@available(freshet 0.1, *)
package struct Batcher: Sendable {
    /// Input that no append can hold.
    package enum Failure: Error, Equatable, CustomStringConvertible {
        case tooLong(what: String, limit: Int)
        case notJSON(line: Int, reason: String)
        /// An event type that the server keeps for itself, or that has a NUL.
        case badType(line: Int, type: String)

        package var description: String {
            switch self {
            case .tooLong(let what, let limit): "\(what) is longer than \(limit) bytes"
            case .notJSON(let line, let reason):
                "each line must be one JSON value, and line \(line) is not (\(reason))"
            case .badType(let line, let type):
                "line \(line) names an event type that no producer may use: '\(type)'"
            }
        }
    }

    /// A body is cut at the last boundary up to here, or at the first one beyond.
    package static let batchBytes = 64 << 10
    /// A body holds no more blocks or lines than a server takes by default.
    package static let batchPieces = 50_000
    /// The longest block or line.
    package static let pieceBytes = 1 << 20
    /// Types that Freshet keeps for events of its own.
    package static let reservedTypes: Set<String> = ["end", "gap", "start", "reconnect", "snapshot", "heartbeat"]

    private let kind: StreamKind
    private var mostPieces: Int
    private var mostBytes: Int
    private var buffer: [UInt8] = []
    private var isFinished = false

    // Where whole blocks or lines end in the buffer, found by one scan over each byte; in that of a binary stream,
    // where events end that were given whole, and where these begin.
    private var boundaries: [Int] = []
    private var eventStarts: [Int] = []
    private var scanned = 0
    private var lineIsEmpty = true
    private var lastWasCR = false
    /// Lines of the input that were taken.
    private var linesTaken = 0
    private var takenEndsInCR = false
    /// What the last body was made from, while it can still be put back, and what held before it was taken.
    private var taken: (batch: [UInt8], pieces: Int, lines: Int, endsInCR: Bool)?
    /// Thrown when everything before the bad line has been taken, and from then on.
    private var failure: Failure?

    package init(kind: StreamKind, mostBytes: Int = Self.batchBytes, mostPieces: Int = Self.batchPieces) {
        self.kind = kind
        self.mostBytes = mostBytes
        self.mostPieces = mostPieces
    }

    /// A body with one event, as small as one can be.
    package static func leastBody(of kind: StreamKind) -> [UInt8] {
        switch kind {
        case .text, .binary, .json: Array("0".utf8)
        case .ndjson: Array("0\n".utf8)
        case .eventStream: Array("data:0\n\n".utf8)
        }
    }

    /// Bytes that were put in and not taken yet.
    package var pendingBytes: Int { buffer.count }

    /// There may be something to take.
    package var hasBatch: Bool {
        switch kind {
        case .text: wholeCharacters(upTo: buffer.count) > 0
        case .binary: !buffer.isEmpty
        case .eventStream, .ndjson, .json: !boundaries.isEmpty
        }
    }

    /// One whole event. Of a binary stream it has a body of its own; otherwise it is input like any other, which ends
    /// where the event does.
    package mutating func append(event bytes: [UInt8]) throws(Failure) {
        let start = buffer.count
        try append(bytes)
        guard kind == .binary, !bytes.isEmpty else { return }
        eventStarts.append(start)
        boundaries.append(buffer.count)
    }

    /// More input.
    package mutating func append(_ bytes: [UInt8]) throws(Failure) {
        buffer += bytes
        scan()
        if boundaries.isEmpty, kind != .text, kind != .binary, buffer.count > Self.pieceBytes {
            throw .tooLong(what: kind == .eventStream ? "an event" : "a line", limit: Self.pieceBytes)
        }
    }

    /// The input ended in good order: an unfinished last block or line counts as finished.
    package mutating func finish() {
        isFinished = true
        guard !buffer.isEmpty else { return }
        switch kind {
        case .text, .binary: break
        case .eventStream:
            buffer += Array("\n\n".utf8)
            boundaries.append(buffer.count)
        case .ndjson, .json:
            guard boundaries.last != buffer.count else { break }
            buffer.append(UInt8(ascii: "\n"))
            boundaries.append(buffer.count)
        }
    }

    /// The body of the next append; nil if there is nothing whole to send.
    package mutating func next() throws(Failure) -> [UInt8]? {
        if let failure { throw failure }
        while let batch = take() {
            switch kind {
            case .text, .binary:
                return batch
            case .eventStream:
                if let events = try events(of: batch) { return events }
            case .ndjson:
                if let lines = try validLines(of: batch) { return lines }
            case .json:
                if let array = try jsonArray(of: batch) { return array }
            }
        }
        return nil
    }

    /// What a server bounds in a body.
    package enum Bound { case events, bytes }

    /// The server takes no body as large as the last one: it is cut again, into bodies of half as many events or bytes.
    /// False when it cannot be cut.
    package mutating func cutSmaller(by bound: Bound) -> Bool {
        guard let last = taken else { return false }
        switch (kind, bound) {
        // All of it is one event.
        case (.text, .events), (.binary, .events): return false
        case (.text, .bytes), (.binary, .bytes):
            // The longest character has four bytes. What was given as one event stays one.
            guard last.batch.count >= 8, last.pieces == 0 else { return false }
            mostBytes = last.batch.count / 2
        case (.eventStream, _), (.ndjson, _), (.json, _):
            guard last.pieces > 1 else { return false }
            if bound == .bytes { mostBytes = last.batch.count / 2 } else { mostPieces = last.pieces / 2 }
        }
        taken = nil
        failure = nil
        buffer = last.batch + buffer
        (linesTaken, takenEndsInCR) = (last.lines, last.endsInCR)
        boundaries = kind == .binary ? boundaries.map { $0 + last.batch.count } : []
        eventStarts = eventStarts.map { $0 + last.batch.count }
        scanned = 0
        (lineIsEmpty, lastWasCR) = (true, last.endsInCR)
        scan()
        return true
    }

    private mutating func take() -> [UInt8]? {
        let end: Int
        switch kind {
        case .text: end = wholeCharacters(upTo: min(buffer.count, mostBytes))
        case .binary: end = eventStarts.first == 0 ? boundaries[0] : min(eventStarts.first ?? buffer.count, mostBytes)
        case .eventStream, .ndjson, .json:
            end = boundaries.prefix(mostPieces).last { $0 <= mostBytes } ?? boundaries.first ?? 0
        }
        guard end > 0 else { return nil }
        let batch = Array(buffer[..<end])
        buffer.removeFirst(end)
        let pieces = boundaries.prefix { $0 <= end }.count
        taken = (batch, pieces, linesTaken, takenEndsInCR)
        boundaries = boundaries.dropFirst(pieces).map { $0 - end }
        eventStarts = eventStarts.filter { $0 >= end }.map { $0 - end }
        scanned = max(0, scanned - end)
        return batch
    }

    private mutating func scan() {
        switch kind {
        case .text, .binary:
            return
        case .ndjson, .json:
            for index in scanned..<buffer.count where buffer[index] == UInt8(ascii: "\n") {
                boundaries.append(index + 1)
            }
        case .eventStream:
            for index in scanned..<buffer.count {
                let byte = buffer[index]
                if byte == UInt8(ascii: "\n"), lastWasCR {
                    // The second half of a line end; if the block was already cut after the CR, this starts the next
                    // one as an empty line, which means nothing.
                    if boundaries.last == index { boundaries[boundaries.count - 1] = index + 1 }
                    lastWasCR = false
                } else if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                    if lineIsEmpty { boundaries.append(index + 1) }
                    lineIsEmpty = true
                    lastWasCR = byte == UInt8(ascii: "\r")
                } else {
                    lineIsEmpty = false
                    lastWasCR = false
                }
            }
        }
        scanned = buffer.count
    }

    /// The longest prefix of at most `limit` bytes that does not end within a UTF-8 character. Bytes that cannot begin
    /// or continue a character are not waited for; neither is the rest of one when the input has ended.
    private func wholeCharacters(upTo limit: Int) -> Int {
        if isFinished, limit == buffer.count { return limit }
        var index = limit - 1
        var continuations = 0
        while index >= 0, continuations < 3, buffer[index] & 0xC0 == 0x80 {
            index -= 1
            continuations += 1
        }
        guard index >= 0 else { return limit }
        let length =
            switch buffer[index] {
            case 0xC2...0xDF: 2
            case 0xE0...0xEF: 3
            case 0xF0...0xF4: 4
            default: 1
            }
        return length > continuations + 1 ? index : limit
    }

    /// The batch up to the first block that no server takes; nil if there is no event in it. Comments, and blocks that
    /// hold only an id or a retry, append nothing and would be refused.
    private mutating func events(of batch: [UInt8]) throws(Failure) -> [UInt8]? {
        var parser = EventStreamParser(limits: .init(lineBytes: .max, eventBytes: .max))
        var hasEvent = false
        var lineStart = 0
        var blockStart = 0
        // The last `event` field of the block: the one that counts.
        var typeLine: Int?
        for index in batch.indices where batch[index] == UInt8(ascii: "\n") || batch[index] == UInt8(ascii: "\r") {
            if batch[index] == UInt8(ascii: "\n"), index > 0 ? batch[index - 1] == UInt8(ascii: "\r") : takenEndsInCR {
                // The second half of a line end.
                if lineStart == index { lineStart = index + 1 }
                continue
            }
            linesTaken += 1
            if batch[lineStart..<index].starts(with: "event:".utf8) { typeLine = linesTaken }
            let isEndOfBlock = lineStart == index
            lineStart = index + 1
            guard isEndOfBlock else { continue }
            for case .event(let event) in (try? parser.parse(Array(batch[blockStart...index]))) ?? [] {
                guard !Self.reservedTypes.contains(event.type), !event.type.utf8.contains(0) else {
                    let bad = Failure.badType(line: typeLine ?? linesTaken, type: event.type)
                    failure = bad
                    guard hasEvent else { throw bad }
                    return Array(batch[..<blockStart])
                }
                hasEvent = true
            }
            blockStart = index + 1
            typeLine = nil
        }
        takenEndsInCR = batch.last == UInt8(ascii: "\r")
        return hasEvent ? batch : nil
    }

    /// The batch up to the first line that is not JSON; nil if all lines are blank.
    private mutating func validLines(of batch: [UInt8]) throws(Failure) -> [UInt8]? {
        let lines = try values(of: batch)
        guard let last = lines.last else { return nil }
        // With its line end.
        return Array(batch[...last.endIndex])
    }

    /// `[value,value]` from lines that each hold one value; nil if all of them are blank.
    private mutating func jsonArray(of batch: [UInt8]) throws(Failure) -> [UInt8]? {
        let lines = try values(of: batch)
        guard !lines.isEmpty else { return nil }
        return Array("[".utf8) + Array(lines.joined(separator: [UInt8(ascii: ",")])) + Array("]".utf8)
    }

    /// The lines that are not blank, up to the first that is not JSON; where that is the first of all, it is thrown.
    private mutating func values(of batch: [UInt8]) throws(Failure) -> [ArraySlice<UInt8>] {
        var values: [ArraySlice<UInt8>] = []
        for line in batch.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).dropLast() {
            linesTaken += 1
            if line.allSatisfy(Self.isBlank) { continue }
            do {
                try JSONText.validate(line)
            } catch {
                let bad = Failure.notJSON(line: linesTaken, reason: "\(error)")
                failure = bad
                if values.isEmpty { throw bad }
                return values
            }
            values.append(line)
        }
        return values
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
            || byte == UInt8(ascii: "\n")
    }
}
