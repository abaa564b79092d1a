import StreamHTTP

/// What was measured of a stream by who writes it: a field of its head, and a member of its description.
@available(freshet 0.1, *)
package struct StreamFigures: Sendable {
    /// The name of the header field.
    package var field: String
    /// The name of the member.
    package var member: String
    /// Numbers as JSON writes them, in the order in which they are told.
    package var values: [(name: String, number: String)]

    package init(field: String, member: String, values: [(name: String, number: String)]) {
        self.field = field
        self.member = member
        self.values = values
    }

    var header: HeaderField {
        HeaderField(field, values.map { "\($0.name)=\($0.number)" }.joined(separator: ", "))
    }
}
