/// The elements of a JSON array, as far as they have arrived. The last may itself be incomplete.
public struct JSONArray: Sendable {
    private final class Storage: Sendable {
        let elements: PersistentArray<JSONValue>
        /// The element that is still growing.
        let last: JSONValue?
        let isComplete: Bool

        init(elements: PersistentArray<JSONValue>, last: JSONValue?, isComplete: Bool) {
            self.elements = elements
            self.last = last
            self.isComplete = isComplete
        }
    }

    /// Shared, since `[],[],[]` should not cost an object each.
    private static let empty = Storage(elements: PersistentArray(), last: nil, isComplete: true)

    private let storage: Storage

    /// Creates a complete array.
    public init(_ elements: some Sequence<JSONValue>) {
        self.init(complete: PersistentArray(elements))
    }

    init(complete elements: PersistentArray<JSONValue>) {
        storage = elements.isEmpty ? Self.empty : Storage(elements: elements, last: nil, isComplete: true)
    }

    init(growing elements: PersistentArray<JSONValue>, last: JSONValue?) {
        storage = Storage(elements: elements, last: last, isComplete: false)
    }

    /// Whether all of the array has arrived, its closing bracket included.
    public var isComplete: Bool { storage.isComplete }
}

extension JSONArray: RandomAccessCollection {
    /// 0
    public var startIndex: Int { 0 }

    /// The number of elements.
    public var endIndex: Int { storage.elements.count + (storage.last == nil ? 0 : 1) }

    /// The element at an index, which must exist; found in a few steps whatever the size.
    public subscript(index: Int) -> JSONValue {
        if index == storage.elements.count, let last = storage.last { return last }
        return storage.elements[index]
    }
}

extension JSONArray: Hashable {
    /// Whether two arrays hold equal elements.
    public static func == (left: Self, right: Self) -> Bool {
        left.storage === right.storage || left.elementsEqual(right)
    }

    /// Hashes the elements.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for element in self { hasher.combine(element) }
    }
}

extension JSONArray: ExpressibleByArrayLiteral {
    /// Creates a complete array.
    public init(arrayLiteral elements: JSONValue...) { self.init(elements) }
}
