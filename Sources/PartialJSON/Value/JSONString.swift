/// The text of a JSON string, as far as whole Unicode scalars of it have arrived, with its escapes decoded.
///
/// What is shown is never taken back, and only ever grows at its end. The last `Character` may still change its look:
/// a combining mark that arrives later joins the letter before it.
///
/// Two strings are equal when their scalars are; unlike with `String`, an `é` of one scalar is not one of two.
public struct JSONString: Sendable {
    /// Text that may still grow. Pieces that are shared by all snapshots, and the short rest.
    final class Growing: Sendable {
        let pieces: PersistentArray<String>
        let rest: String
        let utf8Count: Int

        init(pieces: PersistentArray<String>, rest: String, utf8Count: Int) {
            self.pieces = pieces
            self.rest = rest
            self.utf8Count = utf8Count
        }
    }

    private enum Storage: Sendable {
        case whole(String)
        case growing(Growing)
    }

    private let storage: Storage

    /// Creates a complete string.
    public init(_ text: String) {
        storage = .whole(text)
    }

    init(_ growing: Growing) {
        storage = .growing(growing)
    }

    /// Whether all of the string has arrived, its closing quote included.
    public var isComplete: Bool { if case .whole = storage { true } else { false } }

    /// The text. While the string grows, all that has arrived is copied for it; to show each new part for the price
    /// of that part, use ``suffix(fromUTF8:)``.
    public var text: String {
        switch storage {
        case .whole(let text): return text
        case .growing(let growing):
            var text = ""
            text.reserveCapacity(growing.utf8Count)
            for piece in growing.pieces { text += piece }
            return text + growing.rest
        }
    }

    /// The length of the text in UTF-8 bytes, known without looking at it.
    public var utf8Count: Int {
        switch storage {
        case .whole(let text): text.utf8.count
        case .growing(let growing): growing.utf8Count
        }
    }

    /// What follows the first `offset` UTF-8 bytes; empty if the text is not longer. The cost is that of what is
    /// returned, however long the text is. An offset within a scalar counts as the one before that scalar.
    ///
    /// ```swift
    /// var shown = 0
    /// func show(_ string: JSONString) {
    ///     print(string.suffix(fromUTF8: shown), terminator: "")
    ///     shown = string.utf8Count
    /// }
    /// ```
    public func suffix(fromUTF8 offset: Int) -> String {
        switch storage {
        case .whole(let text): return Self.suffix(of: text, from: offset)
        case .growing(let growing):
            let offset = max(0, offset)
            var start = growing.utf8Count - growing.rest.utf8.count
            if offset >= start { return Self.suffix(of: growing.rest, from: offset - start) }
            var first = growing.pieces.count
            while first > 0, start > offset {
                first -= 1
                start -= growing.pieces[first].utf8.count
            }
            var suffix = Self.suffix(of: growing.pieces[first], from: offset - start)
            for piece in growing.pieces[(first + 1)...] { suffix += piece }
            return suffix + growing.rest
        }
    }

    private static func suffix(of text: String, from offset: Int) -> String {
        if offset <= 0 { return text }
        guard let index = text.utf8.index(text.startIndex, offsetBy: offset, limitedBy: text.endIndex) else {
            return ""
        }
        return String(text.unicodeScalars[index...])
    }
}

extension JSONString: Hashable {
    /// Whether two strings are the same scalars.
    public static func == (left: Self, right: Self) -> Bool {
        left.utf8Count == right.utf8Count && left.text.isSame(as: right.text)
    }

    /// Hashes the scalars.
    public func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        hasher.combine(0xFF as UInt8)
    }
}

extension JSONString: CustomStringConvertible {
    /// The text.
    public var description: String { text }
}

extension JSONString: ExpressibleByStringLiteral {
    /// Creates a complete string.
    public init(stringLiteral value: String) { self.init(value) }
}
