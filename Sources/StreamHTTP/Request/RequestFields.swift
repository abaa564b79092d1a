import TextCodecs

/// The header fields of a request in their order. The case of a name does not count.
@available(freshet 0.1, *)
package struct RequestFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    private var fields: [HeaderField]
    /// Which names may be among the fields. A request is asked for some thirty that it does not have.
    private var sketch: NameSketch

    package init(_ fields: [HeaderField]) {
        self.fields = fields
        self.sketch = NameSketch()
        for field in fields { sketch.insert(field.name) }
    }

    package init(_ fields: [(String, String)]) {
        self.init(fields.map { HeaderField($0.0, $0.1) })
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// The values of all fields of a name, as they were sent.
    package subscript(name: String) -> [String] {
        guard sketch.mayContain(name) else { return [] }
        var values: [String] = []
        for index in fields.indices where has(name, at: index) { values.append(fields[index].value) }
        return values
    }

    /// How many fields of a name there are.
    package func count(name: String) -> Int {
        guard sketch.mayContain(name) else { return 0 }
        return fields.indices.count { has(name, at: $0) }
    }

    /// The value of the first field of a name, and how many there are; nil where there is none.
    package func firstCounted(name: String) -> (value: String, count: Int)? {
        guard sketch.mayContain(name) else { return nil }
        var found: (value: String, count: Int)?
        for index in fields.indices where has(name, at: index) {
            found = (found?.value ?? fields[index].value, (found?.count ?? 0) + 1)
        }
        return found
    }

    /// The value of the first field of a name.
    package func first(name: String) -> String? {
        guard sketch.mayContain(name) else { return nil }
        return fields.indices.first { has(name, at: $0) }.map { fields[$0].value }
    }

    /// The elements of a list that may be cut into several fields (RFC 9110, section 5.6.1), without blanks around.
    package subscript(list name: String) -> [String] {
        self[name].flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).map { element in
                var element = element.drop(while: Self.isBlank)
                while let last = element.last, Self.isBlank(last) { element.removeLast() }
                return String(decoding: element, as: UTF8.self)
            }
        }
    }

    /// Puts one field in the place of all of a name, at the end where there is none.
    package mutating func replace(name: String, with value: String) {
        fields.removeAll { $0.name.hasBytesIgnoringCase(of: name) }
        fields.append(HeaderField(name, value))
        sketch.insert(name)
    }

    /// The first field that has the name of an earlier one and is one of those asked for.
    package func firstRepeated(where isAsked: (String) -> Bool) -> String? {
        var sketch = NameSketch()
        for (index, field) in fields.enumerated() {
            defer { sketch.insert(field.name) }
            guard sketch.mayContain(field.name), isAsked(field.name) else { continue }
            if fields[..<index].indices.contains(where: { has(field.name, at: $0) }) { return field.name }
        }
        return nil
    }

    /// Whether the field there has a name. It is looked at in its place: to take a field out counts references to its texts.
    private func has(_ name: String, at index: Int) -> Bool { fields[index].name.hasBytesIgnoringCase(of: name) }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

@available(freshet 0.1, *)
extension RequestFields: RandomAccessCollection {
    package var startIndex: Int { fields.startIndex }
    package var endIndex: Int { fields.endIndex }
    package subscript(position: Int) -> HeaderField { fields[position] }
}

/// A set of names that is never wrong about a name it lacks, and may be about one it has: a bit for each length and first
/// letter, of which several names share one.
@available(freshet 0.1, *)
private struct NameSketch: Sendable, Equatable {
    private var bits: UInt64 = 0

    mutating func insert(_ name: String) { bits |= Self.bit(name) }

    func mayContain(_ name: String) -> Bool { bits & Self.bit(name) != 0 }

    private static func bit(_ name: String) -> UInt64 {
        let bytes = name.utf8
        let initial = UInt64((bytes.first ?? 0) | 0x20)
        return 1 << ((initial &* 5 &+ UInt64(truncatingIfNeeded: bytes.count) &* 11) & 63)
    }
}
