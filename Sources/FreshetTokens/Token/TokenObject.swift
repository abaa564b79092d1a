import TextCodecs

/// A JSON object in which no name comes twice: of two parsers, one would take the first and one the last.
@available(freshet 0.1, *)
struct TokenObject: Sendable {
    private let values: [[UInt8]: JSONSlice]
    let raw: [UInt8]

    /// Nil for what is no such object, or no JSON.
    init?(_ bytes: [UInt8]) {
        guard (try? JSONText.validate(bytes)) != nil else { return nil }
        let slice = JSONSlice(bytes)
        guard slice.raw.first == UInt8(ascii: "{") else { return nil }
        var values: [[UInt8]: JSONSlice] = [:]
        for (name, value) in slice.members {
            guard values.updateValue(value, forKey: Array(name.utf8)) == nil else { return nil }
        }
        self.values = values
        raw = bytes
    }

    subscript(name: String) -> JSONSlice? { values[Array(name.utf8)] }

    var names: [String] { values.keys.map { String(decoding: $0, as: UTF8.self) }.sorted() }

    /// Whether a value is an array or an object.
    var isNested: Bool {
        values.values.contains { $0.raw.first == UInt8(ascii: "{") || $0.raw.first == UInt8(ascii: "[") }
    }

    /// The text of a string, without what stands for broken text: two broken ones would be equal.
    func text(_ name: String) -> String? {
        guard let text = self[name]?.string, !text.unicodeScalars.contains("\u{FFFD}") else { return nil }
        return text
    }
}

@available(freshet 0.1, *)
extension JSONSlice {
    /// A number of seconds since 1970 (RFC 7519, section 2), rounded.
    func seconds(_ rule: FloatingPointRoundingRule) -> Int64? {
        guard let first = raw.first, first == UInt8(ascii: "-") || UInt8(ascii: "0")...UInt8(ascii: "9") ~= first,
            let value = Double(String(decoding: raw, as: UTF8.self)), value.magnitude < 4e15
        else { return nil }
        return Int64(value.rounded(rule))
    }
}
