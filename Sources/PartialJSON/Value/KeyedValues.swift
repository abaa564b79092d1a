/// Values by key, in the order of the keys. Copies are cheap once they no longer carry the index.
struct KeyedValues: Sendable {
    /// A key compared by its bytes: two keys that `String` takes for equal may be two keys of an object.
    struct Key: Hashable, Sendable {
        let text: String

        static func == (left: Self, right: Self) -> Bool { left.text.isSame(as: right.text) }

        func hash(into hasher: inout Hasher) {
            var text = text
            text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hasher.combine(0xFF as UInt8)
        }
    }

    /// Up to so many keys are compared one by one: an index of them costs more than it saves.
    private static let unindexedCount = 8

    private(set) var keys = PersistentArray<String>()
    private(set) var values = PersistentArray<JSONValue>()
    /// Where each key stands; nil while there are few, and in copies for snapshots.
    private var index: [Key: Int]?

    var count: Int { keys.count }
    var isEmpty: Bool { keys.isEmpty }

    /// A copy that shares nothing which the next `set` would have to copy as a whole. It searches keys one by one.
    var withoutIndex: Self {
        var copy = self
        copy.index = nil
        return copy
    }

    func position(of key: String) -> Int? {
        if let index { return index[Key(text: key)] }
        return keys.firstIndex { $0.isSame(as: key) }
    }

    mutating func set(_ value: JSONValue, for key: String) {
        if let position = position(of: key) { return values.replace(at: position, with: value) }
        append(value, for: key)
    }

    /// Adds a key that is known to be new.
    mutating func append(_ value: JSONValue, for key: String) {
        if index != nil {
            index?[Key(text: key)] = keys.count
        } else if keys.count == Self.unindexedCount {
            var index = [Key(text: key): keys.count]
            for (position, key) in keys.enumerated() { index[Key(text: key)] = position }
            self.index = index
        }
        keys.append(key)
        values.append(value)
    }

    mutating func replace(at position: Int, with value: JSONValue) {
        values.replace(at: position, with: value)
    }
}

extension String {
    /// Whether both are the same scalars, which `==` does not ask.
    func isSame(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }
}
