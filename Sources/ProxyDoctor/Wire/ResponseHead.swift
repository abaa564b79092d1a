/// The head of a response as it came: names in lower case, in their order.
@available(freshet 0.1, *)
package struct ResponseHead: Sendable, Equatable {
    /// `1.0`, `1.1` or `2`.
    package var version: String
    package var status: Int
    package var fields: [Field]

    package struct Field: Sendable, Equatable {
        package var name: String
        package var value: String

        package init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    package init(version: String = "1.1", status: Int, fields: [Field] = []) {
        self.version = version
        self.status = status
        self.fields = fields
    }

    /// The value of a field, several of one name joined as they may be (RFC 9110, section 5.3).
    package subscript(_ name: String) -> String? {
        let values = fields.filter { $0.name == name }.map(\.value)
        return values.isEmpty ? nil : values.joined(separator: ", ")
    }

    /// The media type in lower case, without parameters.
    package var mediaType: String? {
        self["content-type"].map { value in
            String(value.prefix { $0 != ";" && $0 != " " }).lowercased()
        }
    }

    /// What the body is coded with; nil for what is the same as none.
    package var coding: String? {
        guard let value = self["content-encoding"]?.lowercased(), !value.isEmpty, value != "identity" else {
            return nil
        }
        return value
    }
}
