/// A JSON value (RFC 8259), as far as it has arrived.
///
/// Strings, arrays and objects know whether they are complete; nulls, booleans and numbers always are, since they are
/// not shown before. Two values are equal when their content is, complete or not; numbers when they are written
/// alike, and objects when they hold the same entries in the same order.
///
/// ```swift
/// let value: JSONValue = ["city": "Berlin", "days": [1, 2]]
/// value["city"]?.text      // "Berlin"
/// value["days"]?[1]?.int   // 2
/// value.description        // {"city":"Berlin","days":[1,2]}
/// ```
public enum JSONValue: Hashable, Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number, kept as it was written.
    case number(JSONNumber)
    /// A string, perhaps still growing.
    case string(JSONString)
    /// An array, perhaps still growing.
    case array(JSONArray)
    /// An object, perhaps still growing.
    case object(JSONObject)

    /// Whether all of the value has arrived.
    public var isComplete: Bool {
        switch self {
        case .null, .bool, .number: true
        case .string(let string): string.isComplete
        case .array(let array): array.isComplete
        case .object(let object): object.isComplete
        }
    }

    /// Whether this is `null`.
    public var isNull: Bool { self == .null }

    /// The boolean, if this is one.
    public var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }

    /// The number, if this is one.
    public var number: JSONNumber? { if case .number(let number) = self { number } else { nil } }

    /// The number as an `Int`, if this is one that is written as an integer and fits.
    public var int: Int? { number?.int }

    /// The `Double` nearest to the number, if this is one and not beyond the largest `Double`.
    public var double: Double? { number?.double }

    /// The string with what is known of it, if this is one.
    public var string: JSONString? { if case .string(let string) = self { string } else { nil } }

    /// The text of the string, if this is one; while it grows, this copies all that has arrived
    /// (see ``JSONString/suffix(fromUTF8:)``).
    public var text: String? { string?.text }

    /// The array, if this is one.
    public var array: JSONArray? { if case .array(let array) = self { array } else { nil } }

    /// The object, if this is one.
    public var object: JSONObject? { if case .object(let object) = self { object } else { nil } }

    /// The value of a key, if this is an object that has it.
    public subscript(key: String) -> JSONValue? { object?[key] }

    /// The element at an index, if this is an array that reaches so far.
    public subscript(index: Int) -> JSONValue? {
        guard let array, array.indices.contains(index) else { return nil }
        return array[index]
    }
}

extension JSONValue: CustomStringConvertible {
    /// The value as JSON without whitespace: what is still growing is closed where it ends now. It may be given to any
    /// parser; numbers come out as they came in.
    public var description: String {
        var writer = JSONWriter()
        writer.write(self)
        return writer.text
    }
}

extension JSONValue: ExpressibleByNilLiteral {
    /// Creates `null`.
    public init(nilLiteral: ()) { self = .null }
}

extension JSONValue: ExpressibleByBooleanLiteral {
    /// Creates a boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension JSONValue: ExpressibleByIntegerLiteral {
    /// Creates a number.
    public init(integerLiteral value: Int) { self = .number(JSONNumber(value)) }
}

extension JSONValue: ExpressibleByStringLiteral {
    /// Creates a string.
    public init(stringLiteral value: String) { self = .string(JSONString(value)) }
}

extension JSONValue: ExpressibleByArrayLiteral {
    /// Creates an array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(JSONArray(elements)) }
}

extension JSONValue: ExpressibleByDictionaryLiteral {
    /// Creates an object with its entries in the order written; a key that comes again replaces the value.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements.map { (key: $0, value: $1) }))
    }
}
