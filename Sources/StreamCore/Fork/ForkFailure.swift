/// A refusal of a fork on its way up through what would have made it.
package struct ForkFailure: Error {
    package let refusal: ForkRefusal

    package init(_ refusal: ForkRefusal) {
        self.refusal = refusal
    }
}
