/// Why bytes are not RESP3, or more of it than is taken. Nothing after them can be read.
@available(freshet 0.1, *)
package enum RESPParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// No value begins with this byte.
    case unknownType(UInt8)
    /// A CR without LF behind it, a LF alone, or a string that is not followed by both.
    case brokenLineEnd
    /// What should be a number is none, or none that can be there.
    case notANumber
    /// `#` with something else than `t` or `f`, `_` with anything, or a verbatim string without a format.
    case malformed
    /// A push inside of another value.
    case pushInside
    /// A limit of `RESPLimits` is passed.
    case lineTooLong, bulkTooLong, replyTooLong, tooManyElements, tooDeep

    package var description: String {
        switch self {
        case .unknownType(let byte): "no value of RESP3 begins with the byte \(byte)"
        case .brokenLineEnd: "a line does not end with CR and LF"
        case .notANumber: "what should be a number is none"
        case .malformed: "a value is malformed"
        case .pushInside: "a push stands inside of another value"
        case .lineTooLong: "a line is too long"
        case .bulkTooLong: "a string is too long"
        case .replyTooLong: "a reply is too long"
        case .tooManyElements: "a reply has too many elements"
        case .tooDeep: "a reply is nested too deeply"
        }
    }
}
