/// A stream as the server describes it, in the list and alone.
struct StreamDescription: Decodable, Equatable {
    struct End: Decodable, Equatable {
        var reason: String
        var detail: String?
    }

    var name: String
    var contentType: String
    var bytes: Int
    var events: Int
    /// The offset of the last event.
    var tail: String
    /// Nil while it is open.
    var end: End?
    var readers: Int
    /// Seconds of lease.
    var lease: Int?
    /// RFC 3339.
    var expiresAt: String?
}
