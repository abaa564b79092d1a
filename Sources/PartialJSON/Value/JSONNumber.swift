/// A JSON number as it was written: `1`, `1.0` and `1e0` are three, and none loses a digit.
public struct JSONNumber: Hashable, Sendable, CustomStringConvertible {
    /// The number as RFC 8259, section 6 has it, such as `-12.50e+3`.
    public let text: String

    /// Creates the number that a text is; nil if the text is not a JSON number.
    public init?(_ text: String) {
        var grammar = NumberGrammar()
        guard text.utf8.allSatisfy({ grammar.take($0) }), grammar.mayEnd else { return nil }
        self.text = text
    }

    /// Creates the number of an integer.
    public init(_ integer: some BinaryInteger) {
        text = integer.description
    }

    init(unchecked text: String) {
        self.text = text
    }

    /// The number as an `Int`; nil if it does not fit or is written with a fraction or an exponent, as `1.0` is.
    public var int: Int? { Int(text) }

    /// The nearest `Double`; nil if the number is beyond the largest one, as `1e999` is.
    public var double: Double? {
        guard let double = Double(text), double.isFinite else { return nil }
        return double
    }

    /// The number as it was written.
    public var description: String { text }
}
