package import StreamHTTP

@available(freshet 0.1, *)
extension AccessPolicy {
    /// What a page of an allowed origin needs to see a response, and by which protocol it came: from that it knows whether
    /// its streams share a connection (`nextHopProtocol` of Resource Timing). Empty for every other origin.
    /// `Vary: Origin` is said on every response and therefore not here.
    ///
    /// The origin is echoed and never `*`, which browsers refuse beside credentials (Fetch, section 3.3.5).
    /// - Parameters:
    ///   - preflight: Whether this answers `OPTIONS`.
    ///   - requested: `Access-Control-Request-Headers`. Clients of providers of models send fields of their own, a
    /// dozen
    ///     of them: an origin that is allowed may send any.
    package func corsFields(origin: String?, preflight: Bool, requested: [String] = []) -> [HeaderField] {
        guard let origin, let parsed = WebOrigin(parsing: origin), allowedOrigins.contains(parsed) else {
            return []
        }
        let fields = [
            HeaderField("Access-Control-Allow-Origin", origin),
            HeaderField("Access-Control-Allow-Credentials", "true"),
        ]
        guard preflight else {
            return fields + [
                HeaderField("Access-Control-Expose-Headers", Self.exposed), HeaderField("Timing-Allow-Origin", origin),
            ]
        }
        return fields + [
            HeaderField("Access-Control-Allow-Methods", "GET, HEAD, PUT, POST, DELETE, OPTIONS"),
            HeaderField("Access-Control-Allow-Headers", Self.accepted(with: requested)),
            // Chromium keeps a preflight's response no longer than this.
            HeaderField("Access-Control-Max-Age", "7200"),
        ]
    }

    /// With credentials a `*` in this list is a header of that name: each one is listed.
    private static let exposed = [
        "Stream-Next-Offset", "Stream-Up-To-Date", "Stream-Cursor", "Stream-Closed", "Stream-End-Reason",
        "Stream-End-Detail", "Stream-Earliest-Offset", "Stream-Gap", "Stream-TTL", "Stream-Expires-At", "Stream-Lease",
        "Stream-Retention", "Stream-Response-Headers", "Stream-Producer", "Stream-SSE-Data-Encoding", "Producer-Id",
        "Producer-Epoch",
        "Producer-Seq", "Producer-Expected-Seq", "Producer-Received-Seq", "ETag", "Location", "Retry-After",
        "Freshet-Session", "Relay-Metrics", "X-Request-Id", "Request-Id", "X-Should-Retry",
    ].joined(separator: ", ")

    private static func accepted(with requested: [String]) -> String {
        let known = Set(accepted.map { $0.lowercased() })
        let further = requested.flatMap { $0.split(separator: ",") }.prefix(64)
            .map { $0.filter { $0 != " " && $0 != "\t" } }
            .filter { ForeignFields.isName($0) && !known.contains($0.lowercased()) }
        return (accepted + further).joined(separator: ", ")
    }

    private static let accepted = [
        "Accept", "Authorization", "Cache-Control", "Content-Type", "If-None-Match", "Last-Event-ID", "Stream-TTL",
        "Stream-Expires-At", "Stream-Closed", "Stream-End-Reason", "Stream-End-Detail", "Stream-Cancel", "Stream-Lease",
        "Stream-Retention", "Stream-Response-Headers", "Stream-Producer", "Stream-Seq", "Producer-Id", "Producer-Epoch",
        "Producer-Seq",
        "Idempotency-Key", "Freshet-On-Disconnect", "Freshet-Early", "Freshet-Key",
    ]
}
