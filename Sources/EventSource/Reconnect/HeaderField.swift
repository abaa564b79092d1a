/// One field of a request's header.
struct HeaderField: Sendable, Equatable {
    var name: String
    var value: String
}
