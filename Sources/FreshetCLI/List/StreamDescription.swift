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
    /// Live requests that append to it.
    var producers: Int?
    /// Seconds of lease, and what is left of them while it runs.
    var lease: Int?
    var leaseRemaining: Int?
    /// Seconds until it expires, if nobody reads or writes it meanwhile.
    var expiresIn: Int?
    /// What it was created with: seconds without a read or a write, or a moment.
    var expiry: Expiry?
    /// The stream it is a fork of.
    var forkedFrom: String?

    struct Expiry: Decodable, Equatable {
        var ttl: Int?
        var at: String?
    }
}
