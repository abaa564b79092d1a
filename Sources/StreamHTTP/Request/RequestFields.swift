/// The header fields of a request in their order. The case of a name does not count.
package struct RequestFields: Sendable, Equatable, ExpressibleByDictionaryLiteral {
    private var fields: [HeaderField]

    package init(_ fields: [HeaderField]) {
        self.fields = fields
    }

    package init(_ fields: [(String, String)]) {
        self.fields = fields.map { HeaderField($0.0, $0.1) }
    }

    package init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements)
    }

    /// The values of all fields of a name, as they were sent.
    package subscript(name: String) -> [String] {
        var values: [String] = []
        for field in fields where Self.isSame(field.name, name) { values.append(field.value) }
        return values
    }

    /// The value of the first field of a name.
    package func first(name: String) -> String? {
        fields.first { Self.isSame($0.name, name) }?.value
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
        fields.removeAll { Self.isSame($0.name, name) }
        fields.append(HeaderField(name, value))
    }

    /// Names are ASCII; bit 5 is the case of a letter.
    private static func isSame(_ left: String, _ right: String) -> Bool {
        let (left, right) = (left.utf8, right.utf8)
        guard left.count == right.count else { return false }
        return zip(left, right).allSatisfy { left, right in
            left == right || (left | 0x20 == right | 0x20 && UInt8(ascii: "a")...UInt8(ascii: "z") ~= left | 0x20)
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

extension RequestFields: RandomAccessCollection {
    package var startIndex: Int { fields.startIndex }
    package var endIndex: Int { fields.endIndex }
    package subscript(position: Int) -> HeaderField { fields[position] }
}
