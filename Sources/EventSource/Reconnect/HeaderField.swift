/// One field of a request's header.
@available(freshet 0.1, *)
struct HeaderField: Sendable, Equatable {
    var name: String
    var value: String
}
