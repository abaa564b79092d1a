/// A refusal of a fork on its way up through what would have made it.
@available(freshet 0.1, *)
package struct ForkFailure: Error {
    package let refusal: ForkRefusal

    package init(_ refusal: ForkRefusal) {
        self.refusal = refusal
    }
}
