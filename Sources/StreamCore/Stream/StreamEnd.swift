/// Why a stream ended. It ends once, for ever.
@available(freshet 0.1, *)
package enum EndReason: String, Sendable, CaseIterable {
    /// Everything there was to say was said.
    case done
    /// The producer could not go on.
    case failed
    /// Someone asked it to stop.
    case cancelled
    /// Its producer's lease ran out.
    case abandoned
}

/// The end as it stands in the log.
@available(freshet 0.1, *)
package struct StreamEnd: Hashable, Sendable {
    package let reason: EndReason
    /// What the producer added, for people.
    package let detail: String?
    /// The offset minted for the end. It is the id of `event: end` and nothing else.
    package let offset: Offset

    package init(reason: EndReason, detail: String?, offset: Offset) {
        self.reason = reason
        self.detail = detail
        self.offset = offset
    }
}

/// A wish to end a stream.
@available(freshet 0.1, *)
package struct EndRequest: Hashable, Sendable {
    package var reason: EndReason
    package var detail: String?
    /// The trace of the request that asks, for those who are told of the end: 32 hexadecimal digits.
    package var trace: String?

    package init(_ reason: EndReason, detail: String? = nil, trace: String? = nil) {
        self.reason = reason
        self.detail = detail
        self.trace = trace
    }
}

/// Why a stream is no longer there. Neither is a recorded reason: nothing is left to record it in.
@available(freshet 0.1, *)
package enum Removal: String, Sendable, CaseIterable {
    case deleted, expired
}
