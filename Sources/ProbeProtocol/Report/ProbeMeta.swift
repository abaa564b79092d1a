/// The first event of a probe: what the origin saw and sent. Moments are milliseconds on the clock of that origin.
@available(freshet 0.1, *)
package struct ProbeMeta: Sendable, Codable, Equatable {
    /// Another one in each response: seen twice, a response was repeated by somebody in between.
    package var nonce: String
    /// Another one in each run of an origin: moments of two origins cannot be compared.
    package var instance: String
    /// The name in the request that is answered.
    package var name: String
    /// The version of HTTP on the last hop, such as `1.1`.
    package var http: String
    /// When the request was there.
    package var opened: Double
    /// Header fields of the request that tell something of the way it came.
    package var request: [String: String]
    /// Header fields of the response as they were sent.
    package var sent: [String: String]

    package init(
        nonce: String,
        instance: String,
        name: String,
        http: String,
        opened: Double,
        request: [String: String],
        sent: [String: String]
    ) {
        self.nonce = nonce
        self.instance = instance
        self.name = name
        self.http = http
        self.opened = opened
        self.request = request
        self.sent = sent
    }

    /// Request fields that are told, in lower case.
    package static let toldRequestFields: Set<String> = [
        "accept", "accept-encoding", "cache-control", "connection", "forwarded", "last-event-id", "producer-id",
        "stream-closed", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto",
    ]
}
