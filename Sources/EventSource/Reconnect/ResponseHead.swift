/// What the reconnect machine needs to know of a response's head.
struct ResponseHead: Equatable {
    var status: Int
    var contentType: String?
    var location: String?
    /// `Retry-After` in whole seconds; a date is not read, since it would need both clocks to agree.
    var retryAfter: Duration?
    /// Freshet's `Stream-End-Reason` and `Stream-End-Detail`.
    var endReason: String?
    var endDetail: String?

    /// The MIME type's essence decides; parameters do not count, a wrong `charset` among them (the stream is UTF-8
    /// whatever it says).
    var isEventStream: Bool {
        guard let contentType else { return false }
        let essence = contentType.prefix { $0 != ";" }.drop { $0 == " " || $0 == "\t" }
        return essence.lowercased().trimmingSuffix { $0 == " " || $0 == "\t" } == "text/event-stream"
    }
}

extension String {
    fileprivate func trimmingSuffix(while isTrimmed: (Character) -> Bool) -> Substring {
        var rest = self[...]
        while let last = rest.last, isTrimmed(last) { rest.removeLast() }
        return rest
    }
}
