/// Where a text stops being JSON, and what would have been right there.
@available(freshet 0.1, *)
package struct JSONError: Error, Hashable, Sendable {
    package enum Reason: Hashable, Sendable {
        /// Something else should stand here, named for people: "a value", "a comma or `]`".
        case expected(String)
        /// The bytes of a string are not UTF-8.
        case invalidUTF8
        /// More arrays and objects within each other than `JSONText.maximumDepth`.
        case tooDeep
    }

    /// The byte, counted from 0 at the start of the text.
    package let position: Int
    package let reason: Reason

    package init(position: Int, reason: Reason) {
        self.position = position
        self.reason = reason
    }
}

@available(freshet 0.1, *)
extension JSONError: CustomStringConvertible {
    package var description: String {
        switch reason {
        case .expected(let what): "Not JSON: byte \(position) should be \(what)."
        case .invalidUTF8: "Not JSON: byte \(position) is not UTF-8."
        case .tooDeep: "JSON too deep: byte \(position) opens more than \(JSONText.maximumDepth) levels."
        }
    }
}
