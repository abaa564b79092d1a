/// Why a text is not JSON, or not JSON that the parser may take; or, at the end, what is missing.
public struct PartialJSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case unexpectedByte
            case unexpectedEnd
            case invalidUTF8
            case loneSurrogate
            case duplicateKey
            case tooDeep
            case tooLong
        }

        private let value: Value

        /// Something else should stand here.
        public static let unexpectedByte = Code(value: .unexpectedByte)
        /// The text ends before its value does.
        public static let unexpectedEnd = Code(value: .unexpectedEnd)
        /// A string is not UTF-8.
        public static let invalidUTF8 = Code(value: .invalidUTF8)
        /// A string holds half of a surrogate pair, such as `\ud83d` alone. The grammar allows it, but it is no
        /// character, and a `String` cannot hold it.
        public static let loneSurrogate = Code(value: .loneSurrogate)
        /// An object has a key twice, and `DuplicateKeys.refused` is in force.
        public static let duplicateKey = Code(value: .duplicateKey)
        /// There are more arrays and objects within each other than `Limits.depth`.
        public static let tooDeep = Code(value: .tooDeep)
        /// The text is longer than `Limits.bytes`.
        public static let tooLong = Code(value: .tooLong)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// What is wrong.
    public let code: Code
    /// Where: the byte, counted from 0 at the start of the text, however it was cut. For a lone surrogate and a key
    /// that comes twice it is the first byte of the escape and of the key; at an end that comes too soon, the text's
    /// length.
    public let position: Int
    /// What should have stood there, such as "a colon"; nil if something else is wrong.
    public let expected: String?
    /// What is wrong, where, and what to do about it.
    public let message: String

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}

extension PartialJSONError {
    static func unexpectedByte(at position: Int, expected: String) -> Self {
        Self(
            code: .unexpectedByte,
            position: position,
            expected: expected,
            message: "Not JSON: at byte \(position) there should be \(expected)."
        )
    }

    static func unexpectedEnd(at position: Int, expected: String) -> Self {
        Self(
            code: .unexpectedEnd,
            position: position,
            expected: expected,
            message: "The JSON ends too soon: after \(position) bytes there should be \(expected)."
        )
    }

    static func invalidUTF8(at position: Int) -> Self {
        Self(
            code: .invalidUTF8,
            position: position,
            expected: nil,
            message: "Not JSON: byte \(position) is not UTF-8. Send the text as UTF-8."
        )
    }

    static func loneSurrogate(at position: Int) -> Self {
        Self(
            code: .loneSurrogate,
            position: position,
            expected: nil,
            message: "The escape at byte \(position) is half of a surrogate pair. Send both halves, or neither."
        )
    }

    static func duplicateKey(_ key: String, at position: Int) -> Self {
        Self(
            code: .duplicateKey,
            position: position,
            expected: nil,
            message: """
                The key at byte \(position) is the second `\(key.prefix(64))` of its object. \
                Send each key once, or let the last one win.
                """
        )
    }

    static func tooDeep(at position: Int, limit: Int) -> Self {
        Self(
            code: .tooDeep,
            position: position,
            expected: nil,
            message:
                "Byte \(position) opens more than \(limit) levels. Send a flatter value, or raise the limit for depth."
        )
    }

    static func tooLong(limit: Int) -> Self {
        Self(
            code: .tooLong,
            position: limit,
            expected: nil,
            message: "The text is longer than \(limit) bytes. Send a smaller value, or raise the limit for bytes."
        )
    }
}
