/// What has happened to the streams of this node since it started: numbers that only grow, but for what is open now.
@available(freshet 0.1, *)
package struct StreamsMetrics: Sendable, Equatable {
    package var created = 0
    /// Streaming appends and answers of the relay that are open.
    package var openProducers = 0
    /// Requests that appended, and what they brought.
    package var appends = 0
    package var events = 0
    package var bytes = 0
    /// Appends that had been kept before: a producer's retry.
    package var duplicates = 0
    /// Appends and creates that were refused because the store is full.
    package var full = 0
    /// Those that were refused because the stream's owner keeps as much as one may.
    package var ownerFull = 0
    /// How long appends took, from the moment they were handed to the store until they were kept.
    package var appendTimes = LatencyHistogram()
    package var ends: [EndReason: Int] = [:]
    package var removals: [Removal: Int] = [:]

    package init() {}

    mutating func count(_ outcome: AppendOutcome, of request: AppendRequest) {
        switch outcome {
        case .appended(_, let end, _):
            if !request.events.isEmpty { appends += 1 }
            count(request.events)
            if let end { ends[end.reason, default: 0] += 1 }
        case .duplicate: duplicates += 1
        default: break
        }
    }

    mutating func count(_ bodies: EventBatch) {
        events += bodies.count
        bytes += bodies.size
    }
}
