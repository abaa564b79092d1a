extension PartialJSONParser {
    /// What the next byte is part of.
    enum Step: Sendable {
        /// A value, at the start, after a comma of an array, or after a colon.
        case value
        /// What follows `[`: a value or the end.
        case firstElement
        /// What follows `{`: a key or the end.
        case firstKey
        /// What follows a comma of an object.
        case key
        /// What follows a key.
        case colon
        /// What follows a value within an array or object.
        case afterValue
        /// What follows the whole value.
        case end
        /// The text of a string.
        case string
        /// What follows a backslash.
        case escape
        /// The digits of `\uXXXX`, with how many are there and their value; `high` is the first half of a pair, if this
        /// is the second.
        case hexadecimal(digits: Int, value: UInt32, high: UInt32?)
        /// The backslash, then the `u`, after the first half of a surrogate pair.
        case lowSurrogate(high: UInt32, afterBackslash: Bool)
        case number(NumberGrammar)
        /// `true`, `false` or `null`, with how many letters are there.
        case word(Word, letters: Int)
    }

    enum Word: Sendable {
        case `true`, `false`, null

        var text: StaticString {
            switch self {
            case .true: "true"
            case .false: "false"
            case .null: "null"
            }
        }

        var value: JSONValue {
            switch self {
            case .true: .bool(true)
            case .false: .bool(false)
            case .null: .null
            }
        }
    }

    /// What should come next, for people.
    var expected: String {
        let isObject = containers.last?.isObject == true
        return switch step {
        case .value: "a value"
        case .firstElement: "a value or `]`"
        case .firstKey: "a key in quotes or `}`"
        case .key: "a key in quotes"
        case .colon: "a colon"
        case .afterValue: isObject ? "a comma or `}`" : "a comma or `]`"
        case .end: "the end"
        case .string: "a quote that ends the string"
        case .escape: "one of \"\\/bfnrtu after the backslash"
        case .hexadecimal: "a hexadecimal digit"
        case .lowSurrogate: "the second half of a surrogate pair"
        case .number(let grammar): grammar.expected
        case .word(let word, _): "`\(word.text)`"
        }
    }
}
