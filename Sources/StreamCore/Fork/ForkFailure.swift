/// A refusal of a fork on its way up through what would have made it.
struct ForkFailure: Error {
    let refusal: ForkRefusal

    init(_ refusal: ForkRefusal) {
        self.refusal = refusal
    }
}
