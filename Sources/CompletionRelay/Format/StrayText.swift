import ServerSentEvents
import TextCodecs

/// What stands in a stream of events and is no line of one: `error: …`, or an error as bare JSON.
///
/// Every client skips such lines, as the standard wants it, and so misses the only word of why there is no more.
@available(freshet 0.1, *)
struct StrayText: Sendable {
    /// What may be held of such lines.
    private static let limit = 64 << 10

    private enum Line {
        /// Not yet told from one of an event.
        case beginning
        case ofAnEvent
        case stray
    }

    private var line = Line.beginning
    /// The bytes of the unfinished line; of one that is of an event only those that told.
    private var partial: [UInt8] = []
    /// Stray lines that may be a JSON text together.
    private var text: [UInt8] = []
    private var endedWithCarriageReturn = false
    private var isFirst = true

    /// Looks at the next bytes.
    ///
    /// - Returns: where the first failure that is told here is complete, and that failure. What follows is to be given
    ///   again. Nil when there is none.
    mutating func received(_ bytes: UnsafeRawBufferPointer) -> (end: Int, failure: ProviderFailure)? {
        var cursor = LineCursor(bytes, afterCarriageReturn: endedWithCarriageReturn)
        endedWithCarriageReturn = bytes.last == UInt8(ascii: "\r")
        while let range = cursor.next() {
            take(bytes[range])
            if let failure = endLine() {
                endedWithCarriageReturn = bytes[cursor.position - 1] == UInt8(ascii: "\r")
                return (cursor.position, failure)
            }
        }
        take(bytes[cursor.position...])
        return nil
    }

    /// The body has ended: its last line may have no end.
    mutating func ended() -> ProviderFailure? { endLine() }

    // MARK: -

    private mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>) {
        switch line {
        case .ofAnEvent: break
        case .stray: if partial.count < Self.limit { partial.append(contentsOf: bytes.prefix(Self.limit)) }
        case .beginning:
            partial.append(contentsOf: bytes.prefix(16))
            guard !mayBeByteOrderMark() else { return }
            line = Self.kind(of: partial)
            if line == .stray { partial.append(contentsOf: bytes.dropFirst(16).prefix(Self.limit)) }
        }
    }

    /// Takes a byte order mark off the beginning of the stream; true while its bytes are still to come.
    private mutating func mayBeByteOrderMark() -> Bool {
        guard isFirst else { return false }
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        guard partial.count >= mark.count else { return mark.starts(with: partial) }
        isFirst = false
        if partial.starts(with: mark) { partial.removeFirst(mark.count) }
        return false
    }

    private mutating func endLine() -> ProviderFailure? {
        let (ended, kind) = (partial, line)
        (partial, line) = ([], .beginning)
        if !ended.isEmpty { isFirst = false }
        // A blank line, a line of an event, and a beginning of such a line that stays one.
        guard
            kind == .stray || kind == .beginning && !ended.isEmpty && !Self.fields.contains(where: ended.elementsEqual)
        else {
            text = []
            return nil
        }
        if String(decoding: ended.prefix(6), as: UTF8.self).lowercased() == "error:" {
            text = []
            return ProviderFailure(of: Array(ended.dropFirst(6)))
        }
        guard text.count + ended.count < Self.limit else { return nil }
        text.append(contentsOf: ended)
        text.append(UInt8(ascii: "\n"))
        let last = ended.last { !JSONScanner.isBlank($0) }
        guard last == UInt8(ascii: "}") || last == UInt8(ascii: "]") else { return nil }
        let value = JSONSlice(text)
        if value.isValue {
            text = []
            return ProviderFailure(told: value) ?? ProviderFailure(flat: value)
        }
        // What stands before it may be something else.
        let line = JSONSlice(ended)
        guard line.isValue, let failure = ProviderFailure(told: line) else { return nil }
        text = []
        return failure
    }

    private static let fields = ["data", "event", "id", "retry"].map { Array($0.utf8) }

    private static func kind(of beginning: [UInt8]) -> Line {
        guard let first = beginning.first else { return .beginning }
        if first == UInt8(ascii: ":") { return .ofAnEvent }
        for field in fields where beginning.starts(with: field) {
            guard beginning.count > field.count else { return .beginning }
            return beginning[field.count] == UInt8(ascii: ":") ? .ofAnEvent : .stray
        }
        return fields.contains { $0.starts(with: beginning) } ? .beginning : .stray
    }
}
