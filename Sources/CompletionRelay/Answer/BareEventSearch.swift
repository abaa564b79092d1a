import ServerSentEvents

/// Finds an event that has a certain name and no data. The standard drops it, and so does every parser; that it came
/// is a word of the upstream all the same.
@available(freshet 0.1, *)
struct BareEventSearch: Sendable {
    private let name: [UInt8]
    /// The beginning of the unfinished line, of which no more matters.
    private var line: [UInt8] = []
    private let lineLimit: Int
    private var isNamed = false
    private var hasData = false
    private var endedWithCarriageReturn = false

    init(_ name: String) {
        self.name = Array(name.utf8)
        lineLimit = Self.event.count + 1 + name.utf8.count + 1
    }

    /// Looks at the next bytes.
    ///
    /// - Returns: where the first such event ends. What follows is to be given again. Nil when there is none.
    mutating func received(_ bytes: UnsafeRawBufferPointer) -> Int? {
        guard !bytes.isEmpty else { return nil }
        var cursor = LineCursor(bytes, afterCarriageReturn: endedWithCarriageReturn)
        endedWithCarriageReturn = bytes.last == UInt8(ascii: "\r")
        while let range = cursor.next() {
            take(bytes[range])
            if endLine() {
                endedWithCarriageReturn = bytes[cursor.position - 1] == UInt8(ascii: "\r")
                return cursor.position
            }
        }
        take(bytes[cursor.position...])
        return nil
    }

    /// The body has ended: its last line and its last event may have no end. True when that is such an event.
    mutating func ended() -> Bool {
        if !line.isEmpty { _ = endLine() }
        return endLine()
    }

    // MARK: -

    private static let event = Array("event:".utf8)
    private static let data = Array("data".utf8)

    private mutating func take(_ bytes: Slice<UnsafeRawBufferPointer>) {
        line.append(contentsOf: bytes.prefix(lineLimit - line.count))
    }

    /// True when the line is a blank one that ends such an event.
    private mutating func endLine() -> Bool {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else {
            defer { (isNamed, hasData) = (false, false) }
            return isNamed && !hasData
        }
        if line.starts(with: Self.event) {
            let value = line.dropFirst(Self.event.count)
            isNamed = (value.first == UInt8(ascii: " ") ? value.dropFirst() : value).elementsEqual(name)
        } else if line.starts(with: Self.data) {
            hasData = hasData || line.count == Self.data.count || line[Self.data.count] == UInt8(ascii: ":")
        }
        return false
    }
}
