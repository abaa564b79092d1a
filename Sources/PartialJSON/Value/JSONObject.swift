/// The entries of a JSON object in the order in which they arrived, each key once. The value of the last may itself be
/// incomplete. A key is here only together with a value.
public struct JSONObject: Sendable {
    /// A key and its value.
    public typealias Element = (key: String, value: JSONValue)

    private final class Storage: Sendable {
        let entries: KeyedValues
        /// The entry whose value is still growing.
        let last: Element?
        let isComplete: Bool

        init(entries: KeyedValues, last: Element?, isComplete: Bool) {
            self.entries = entries
            self.last = last
            self.isComplete = isComplete
        }
    }

    /// Shared, since `{},{},{}` should not cost an object each.
    private static let empty = Storage(entries: KeyedValues(), last: nil, isComplete: true)

    private let storage: Storage

    /// Creates a complete object; a key that comes again replaces the value and keeps its place.
    public init(_ entries: some Sequence<Element>) {
        var all = KeyedValues()
        for (key, value) in entries { all.set(value, for: key) }
        self.init(complete: all)
    }

    init(complete entries: KeyedValues) {
        storage = entries.isEmpty ? Self.empty : Storage(entries: entries, last: nil, isComplete: true)
    }

    init(growing entries: KeyedValues, last: Element?) {
        storage = Storage(entries: entries, last: last, isComplete: false)
    }

    /// Whether all of the object has arrived, its closing brace included.
    public var isComplete: Bool { storage.isComplete }

    /// The value of a key. In a complete object this takes the same time however many keys there are; in one that is
    /// still growing it looks at them one by one.
    public subscript(key: String) -> JSONValue? {
        if let last = storage.last, last.key.isSame(as: key) { return last.value }
        return storage.entries.position(of: key).map { storage.entries.values[$0] }
    }
}

extension JSONObject: RandomAccessCollection {
    /// 0
    public var startIndex: Int { 0 }

    /// The number of entries.
    public var endIndex: Int { storage.entries.count + (storage.last == nil ? 0 : 1) }

    /// The entry at an index, which must exist; found in a few steps whatever the size.
    public subscript(index: Int) -> Element {
        if index == storage.entries.count, let last = storage.last { return last }
        return (storage.entries.keys[index], storage.entries.values[index])
    }
}

extension JSONObject: Hashable {
    /// Whether two objects hold equal entries in the same order.
    public static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage
            || left.elementsEqual(right) { $0.key.isSame(as: $1.key) && $0.value == $1.value }
    }

    /// Hashes the entries.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for (key, value) in self {
            hasher.combine(KeyedValues.Key(text: key))
            hasher.combine(value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// Creates a complete object; a key that comes again replaces the value and keeps its place.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements.map { (key: $0, value: $1) })
    }
}
