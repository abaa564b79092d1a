/// Why a block cannot be written. Nothing of a refused block is written.
public struct EventStreamEncoderError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong with the block.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        private enum Value: String {
            case forbiddenByte
            case negativeRetry
            case emptyBlock
        }

        private let value: Value

        /// The field `event` or `id` holds a CR, an LF or a NUL. The first two would start another field, and a
        /// reader ignores an ID with the third (Firefox loses the event's type as well).
        public static let forbiddenByte = Code(value: .forbiddenByte)
        /// The field `retry` is negative.
        public static let negativeRetry = Code(value: .negativeRetry)
        /// The block has neither a comment nor a field, and would be a bare blank line.
        public static let emptyBlock = Code(value: .emptyBlock)

        /// The code's name.
        public var description: String { value.rawValue }
    }

    /// What is wrong with the block.
    public let code: Code
    /// The field at fault, by its name on the wire; nil if it is the whole block.
    public let field: String?
    /// What was wrong and what to do about it.
    public let message: String

    /// The code and the message.
    public var description: String { "\(code): \(message)" }

    static func forbiddenByte(_ byte: UInt8, inField field: StaticString) -> Self {
        let name = byte == ASCII.null ? "NUL" : byte == ASCII.lineFeed ? "LF" : "CR"
        return Self(
            code: .forbiddenByte,
            field: "\(field)",
            message: "The \(field) field holds a \(name), which would end or spoil it. Remove it, or use the data."
        )
    }

    static func negativeRetry(_ milliseconds: Int) -> Self {
        Self(
            code: .negativeRetry,
            field: "retry",
            message: "The retry field is \(milliseconds) ms, and a wait cannot be negative. Give 0 or more, or nil."
        )
    }

    static var emptyBlock: Self {
        Self(
            code: .emptyBlock,
            field: nil,
            message: "The block has neither a comment nor a field. Give it data; empty data makes an event, too."
        )
    }
}
