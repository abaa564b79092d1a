import TextCodecs

/// A set of streams: those whose name begins with a text, or the one of a name.
///
/// `chat/` covers `chat/42` and not `chatter`; `chat` covers both; `*` covers every stream. A `*` at the end of any
/// prefix says the same as leaving it out, so that `chat/*` means what its writer meant.
@available(freshet 0.1, *)
package struct StreamPrefix: Sendable, Hashable {
    /// What a name begins with; empty for every stream.
    package let text: String
    /// Whether it is the one stream of that name.
    package let isWhole: Bool

    package static let everything = StreamPrefix(text: "")

    private init(text: String, isWhole: Bool = false) {
        self.text = text
        self.isWhole = isWhole
    }

    /// The streams whose names begin with exactly this text.
    package static func beginning(with text: String) -> StreamPrefix { StreamPrefix(text: text) }

    /// The stream of exactly this name.
    package static func named(_ name: String) -> StreamPrefix { StreamPrefix(text: name, isWhole: true) }

    /// A pattern as tokens have it: a name and nothing else, unless it ends in `/` or `*`.
    /// - Throws: as `init(parsing:)`.
    package init(pattern written: String) throws(Refusal) {
        let isPrefix = written.utf8.last.map { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "*") } ?? false
        self.init(text: try StreamPrefix(parsing: written).text, isWhole: !isPrefix)
    }

    /// - Throws: `Refusal` for an empty text, a `*` before the end, and a path instead of a name.
    package init(parsing written: String) throws(Refusal) {
        guard !written.isEmpty else {
            throw Refusal("a prefix is empty; write * for every stream")
        }
        let isStarred = written.utf8.last == UInt8(ascii: "*")
        let text = isStarred ? String(decoding: written.utf8.dropLast(), as: UTF8.self) : written
        guard !text.utf8.contains(UInt8(ascii: "*")) else {
            throw Refusal("\"\(written)\" has a * before its end; a prefix matches only the beginning of a name")
        }
        guard text.utf8.first != UInt8(ascii: "/") else {
            throw Refusal("\"\(written)\" is a path; write the name as it follows /v1/stream/, without a leading /")
        }
        self.init(text: text)
    }

    /// The prefixes that a configuration has accepted.
    package static func all(_ accepted: [String]) -> [StreamPrefix] {
        accepted.compactMap { try? StreamPrefix(parsing: $0) }
    }

    /// Compares bytes: `String.hasPrefix` holds canonically equivalent characters to be equal, which for two names
    /// that are different streams would let one in by the right to the other.
    package func covers(_ stream: String) -> Bool {
        isWhole ? stream.hasBytes(of: text) : stream.begins(withBytesOf: text)
    }
}

@available(freshet 0.1, *)
extension StreamPrefix: CustomStringConvertible {
    package var description: String {
        text.isEmpty ? "*" : text
    }
}
