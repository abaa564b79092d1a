/// A stream as the server describes it, in the list and alone.
@available(freshet 0.1, *)
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
    /// Streaming appends that append to it.
    var producers: Int?
    /// The sessions of the nodes that append to it, where several share a store.
    var writers: [String]?
    /// Seconds of lease, and what is left of them while it runs.
    var lease: Int?
    var leaseRemaining: Int?
    /// Seconds until it expires, if nobody reads or writes it meanwhile.
    var expiresIn: Int?
    /// What it was created with: seconds without a read or a write, or a moment.
    var expiry: Expiry?
    /// The stream it is a fork of.
    var forkedFrom: String?
    /// What was measured of an answer of the relay.
    var relay: Measured?

    /// Times are milliseconds.
    struct Measured: Decodable, Equatable {
        var tokens: Int
        var unread: Int
        var ttft: Double?
        var logP50: Double?
        var logP99: Double?
        var socketP50: Double?
        var socketP99: Double?

        enum CodingKeys: String, CodingKey {
            case tokens, unread, ttft
            case logP50 = "log-p50"
            case logP99 = "log-p99"
            case socketP50 = "socket-p50"
            case socketP99 = "socket-p99"
        }
    }

    struct Expiry: Decodable, Equatable {
        var ttl: Int?
        var at: String?
    }
}
