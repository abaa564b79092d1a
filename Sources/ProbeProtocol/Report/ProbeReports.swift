/// The response to `GET /v1/probe/time`: the origin's clock.
@available(freshet 0.1, *)
package struct ProbeTime: Sendable, Codable, Equatable {
    package var instance: String
    package var now: Double

    package init(instance: String, now: Double) {
        self.instance = instance
        self.now = now
    }
}

/// The response to `GET /v1/probe/status`: what became of a probe, as its origin saw it.
@available(freshet 0.1, *)
package struct ProbeStatus: Sendable, Codable, Equatable {
    package enum End: String, Sendable, Codable {
        /// Everything was sent.
        case complete
        /// The reader was gone before.
        case gone
    }

    package var instance: String
    package var opened: Double
    /// Events written so far.
    package var writes: Int
    package var end: End?
    package var endedAt: Double?

    package init(instance: String, opened: Double, writes: Int = 0, end: End? = nil, endedAt: Double? = nil) {
        self.instance = instance
        self.opened = opened
        self.writes = writes
        self.end = end
        self.endedAt = endedAt
    }
}

/// The response to `POST /v1/probe/upload`: how the body of the request arrived.
@available(freshet 0.1, *)
package struct ProbeUpload: Sendable, Codable, Equatable {
    package var instance: String
    package var http: String
    /// When the request was there.
    package var opened: Double
    package var bytes: Int
    /// When pieces of the body were there, and how many bytes each had.
    package var moments: [Double]
    package var sizes: [Int]

    package init(instance: String, http: String, opened: Double, bytes: Int = 0) {
        self.instance = instance
        self.http = http
        self.opened = opened
        self.bytes = bytes
        moments = []
        sizes = []
    }
}
