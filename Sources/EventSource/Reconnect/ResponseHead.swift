/// What the reconnect machine needs to know of a response's head.
@available(freshet 0.1, *)
struct ResponseHead: Equatable {
    var status: Int
    var contentType: String?
    /// `Content-Encoding`.
    var contentEncoding: String?
    var location: String?
    /// `Retry-After` in whole seconds; a date is not read, since it would need both clocks to agree.
    var retryAfter: Duration?
    /// Freshet's `Stream-End-Reason` and `Stream-End-Detail`.
    var endReason: String?
    var endDetail: String?

    /// What the body is coded with; nil for what is the same as none.
    var coding: String? {
        guard let coding = contentEncoding?.lowercased(), !coding.isEmpty, coding != "identity" else { return nil }
        return coding
    }
}
