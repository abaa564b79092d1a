/// Why a piece of text that an operator wrote was not taken. Whoever read the text adds where it stands.
@available(freshet 0.1, *)
package struct Refusal: Error, Sendable, Equatable {
    package let reason: String

    package init(_ reason: String) {
        self.reason = reason
    }
}
