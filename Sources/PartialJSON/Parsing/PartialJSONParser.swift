/// An incremental parser of one JSON value (RFC 8259) that can be looked at while the value arrives.
///
/// Feed it the bytes in pieces of any size, and take ``value`` whenever there is something to show. What it holds does
/// not depend on where the bytes were cut: UTF-8 sequences, escapes, surrogate pairs, numbers and words may be split
/// anywhere.
///
/// ```swift
/// var parser = PartialJSONParser()
/// try parser.parse(#"{"story": "Once up"#)
/// parser.value?["story"]?.text    // "Once up"
/// try parser.parse(#"on a time", "stars": 4"#)
/// parser.value                    // {"story":"Once upon a time"}: 4 may still become 42
/// try parser.parse("2}")
/// try parser.finish()             // {"story":"Once upon a time","stars":42}
/// ```
///
/// Nothing is invented, and what was shown is never taken back (but for a key that comes twice, if that is allowed):
///
/// - A string is shown as far as whole Unicode scalars have arrived; half an escape or surrogate pair is not.
/// - A number is shown when the byte after it has arrived, or at the end of the text: `12` may still become `123`.
/// - `true`, `false` and `null` are shown when their last letter has arrived.
/// - A key is shown together with its value, once something of that is shown.
/// - An array or object is shown from its opening bracket on.
public struct PartialJSONParser: Sendable {
    /// How much a text may make the parser hold.
    public struct Limits: Hashable, Sendable {
        /// More levels than this are not allowed by any limit, as values are compared, written and freed level by
        /// level.
        public static let greatestDepth = 512

        /// The greatest number of arrays and objects within each other, at most ``greatestDepth``.
        public var depth: Int {
            didSet { depth = Self.clamped(depth) }
        }
        /// The greatest length of the text in bytes, whitespace included. A value may take some fifty times the memory
        /// of its text (measured with `[[[1]],[[1]],…`, 400 MB for the 8 MiB), and takes about as much if it is mostly
        /// text.
        public var bytes: Int

        /// Creates limits; 256 levels and 8 MiB unless told otherwise.
        public init(depth: Int = 256, bytes: Int = 8 << 20) {
            self.depth = Self.clamped(depth)
            self.bytes = bytes
        }

        private static func clamped(_ depth: Int) -> Int { min(max(0, depth), greatestDepth) }
    }

    /// What happens when an object has a key twice, which RFC 8259, section 4 calls unpredictable.
    public enum DuplicateKeys: Hashable, Sendable {
        /// It is an error: two programs could read the text differently, and what was shown would be taken back.
        case refused
        /// The last value wins as soon as something of it is shown, as with JavaScript's `JSON.parse`. It stands where
        /// the first one stood.
        case lastWins
    }

    /// How far the parser is.
    public enum State: Hashable, Sendable {
        /// The value may still change.
        case incomplete
        /// The value is whole; nothing but whitespace may follow. A number that is not within an array or object is
        /// whole when whitespace follows, or after ``PartialJSONParser/finish()``.
        case complete
        /// The text is not JSON, or a limit was exceeded. What came before that place is still the value.
        case failed(PartialJSONError)
    }

    let limits: Limits
    let duplicateKeys: DuplicateKeys

    /// What the next byte is part of.
    var step = Step.value
    /// The arrays and objects around it, outermost first.
    var containers: [OpenContainer] = []
    /// The string or number that is arriving.
    var text = GrowingText()
    /// Whether the string that is arriving is a key.
    var stringIsKey = false
    /// The scalar of the string whose last bytes have not arrived.
    var sequence: UTF8Sequence?
    /// Where the string begins.
    var stringStart = 0
    /// Where the escape begins; the first one of a surrogate pair.
    var escapeStart = 0
    /// The value, once whole.
    var whole: JSONValue?
    /// How many bytes the earlier pieces held.
    var position = 0
    private var failure: PartialJSONError?

    /// Creates a parser for one value.
    ///
    /// - Parameters:
    ///   - limits: What the parser may be made to hold.
    ///   - duplicateKeys: What happens when an object has a key twice.
    public init(limits: Limits = Limits(), duplicateKeys: DuplicateKeys = .refused) {
        self.limits = limits
        self.duplicateKeys = duplicateKeys
    }

    /// How far the parser is.
    public var state: State {
        if let failure { return .failed(failure) }
        return whole == nil ? .incomplete : .complete
    }

    /// All that is known of the value; nil while that is nothing. Exact once ``state`` is complete.
    ///
    /// It takes the time to look at the arrays and objects that are open, not at what they hold: to take it after each
    /// piece, and to keep every one, costs time linear in the text, for any depth limit. It shares its memory with
    /// later ones and never changes.
    public var value: JSONValue? {
        if let whole { return whole }
        var value: JSONValue? = isInValueString ? .string(JSONString(text.snapshot())) : nil
        for container in containers.reversed() { value = container.snapshot(last: value) }
        return value
    }

    /// Parses the next bytes of the text.
    ///
    /// - Parameter bytes: The bytes, which need to stay valid only during this call.
    /// - Throws: `PartialJSONError` when the text is not JSON, or exceeds a limit. All that came before that place is
    ///   then in ``value``. The parser stays failed: every later call throws the same error.
    public mutating func parse(_ bytes: UnsafeRawBufferPointer) throws(PartialJSONError) {
        if let failure { throw failure }
        do throws(PartialJSONError) {
            let allowed = UnsafeRawBufferPointer(rebasing: bytes.prefix(max(0, limits.bytes - position)))
            try take(allowed)
            text.seal()
            position += allowed.count
            if allowed.count < bytes.count { throw .tooLong(limit: max(0, limits.bytes)) }
        } catch {
            failure = error
            throw error
        }
    }

    /// Parses the next bytes of the text.
    ///
    /// - Throws: `PartialJSONError` as the other form does.
    public mutating func parse(_ bytes: [UInt8]) throws(PartialJSONError) {
        try bytes.withUnsafeBufferPointer { (bytes) throws(PartialJSONError) in
            try parse(UnsafeRawBufferPointer(bytes))
        }
    }

    /// Parses the next part of the text, such as the delta of one event.
    ///
    /// - Throws: `PartialJSONError` as the other form does.
    public mutating func parse(_ part: String) throws(PartialJSONError) {
        try parse(Array(part.utf8))
    }

    /// Ends the text and returns its exact value.
    ///
    /// - Throws: `PartialJSONError`, with ``PartialJSONError/Code/unexpectedEnd`` if the value is not whole. What has
    ///   arrived is still in ``value``. The parser then stays failed.
    @discardableResult
    public mutating func finish() throws(PartialJSONError) -> JSONValue {
        if let failure { throw failure }
        if case .number(let grammar) = step, grammar.mayEnd { finishNumber() }
        guard let whole else {
            let error = PartialJSONError.unexpectedEnd(at: position, expected: expected)
            failure = error
            throw error
        }
        return whole
    }

    private var isInValueString: Bool {
        switch step {
        case .string, .escape, .hexadecimal, .lowSurrogate: !stringIsKey
        case .value, .firstElement, .firstKey, .key, .colon, .afterValue, .end, .number, .word: false
        }
    }
}
