/// An array or object whose end has not come: what is complete of it, and the key whose value is awaited.
struct OpenContainer: Sendable {
    private enum Content: Sendable {
        case array, object
    }

    private let content: Content
    private var elements = PersistentArray<JSONValue>()
    private var entries = KeyedValues()
    private var key: String?
    /// Where the awaited value replaces an earlier one of the same key.
    private var replaced: Int?

    var isObject: Bool { content == .object }

    init(isObject: Bool) {
        content = isObject ? .object : .array
    }

    /// Takes the key of the next value. One that is there already is not taken, unless its value may be replaced.
    mutating func take(_ key: String, replacing: Bool) -> Bool {
        let position = entries.position(of: key)
        guard position == nil || replacing else { return false }
        self.key = key
        replaced = position
        return true
    }

    mutating func add(_ value: JSONValue) {
        guard let key else { return elements.append(value) }
        if let replaced {
            entries.replace(at: replaced, with: value)
        } else {
            entries.append(value, for: key)
        }
        self.key = nil
        replaced = nil
    }

    func closed() -> JSONValue {
        switch content {
        case .array: .array(JSONArray(complete: elements))
        case .object: .object(JSONObject(complete: entries))
        }
    }

    /// The container as far as it has arrived; `last` is what has arrived of the awaited value.
    func snapshot(last: JSONValue?) -> JSONValue {
        guard isObject else { return .array(JSONArray(growing: elements, last: last)) }
        var entries = entries.withoutIndex
        if let last, let replaced {
            entries.replace(at: replaced, with: last)
            return .object(JSONObject(growing: entries, last: nil))
        }
        let entry = last.flatMap { value in key.map { (key: $0, value: value) } }
        return .object(JSONObject(growing: entries, last: entry))
    }
}
