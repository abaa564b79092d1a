package import StreamCore

/// What has happened on the connections of a node since it started. Each event loop counts for itself, without locks;
/// whoever asks gets the sum.
@available(freshet 0.1, *)
package struct DataPlaneMetrics: Sendable, Equatable {
    package var connections = 0
    package var refusedConnections = 0
    /// Connections over TLS that came to no request, because the handshake failed or took too long.
    package var failedHandshakes = 0
    /// Connections that speak HTTP/2, and those of them that were closed because the peer broke its rules or a limit.
    package var http2Connections = 0
    package var http2Failures = 0
    /// Responses by status.
    package var responses: [Int: Int] = [:]
    /// From the head of a request to the head of its response, by method: without streaming appends, long-polls and the
    /// relay's calls, which wait for somebody else.
    package var requestTimes: [CountedMethod: LatencyHistogram] = [:]
    /// From the moment that events were visible until they were written to the readers of one event loop that follow
    /// their stream: once for all that were written together, of the oldest.
    package var deliveryTimes = LatencyHistogram()
    /// Native and Durable Streams reads that were begun, by form, and those of them that came with a position.
    package var reads: [EventForm: Int] = [:]
    package var resumes = 0
    package var gaps = 0
    package var reconnects: [ReconnectReason: Int] = [:]
    /// Events and bytes, heads and heartbeats included, written to readers.
    package var deliveries = 0
    package var deliveredBytes = 0
    /// Readers that were closed because they took nothing for too long.
    package var evictions = 0
    /// Readers that follow a stream now, by form; long-polls are those that wait.
    package var readers: [EventForm: Int] = [:]
    package var longPolls = 0
    package var heldReaders = 0

    package init() {}

    package static func + (left: DataPlaneMetrics, right: DataPlaneMetrics) -> DataPlaneMetrics {
        var sum = left
        sum.connections += right.connections
        sum.refusedConnections += right.refusedConnections
        sum.failedHandshakes += right.failedHandshakes
        sum.http2Connections += right.http2Connections
        sum.http2Failures += right.http2Failures
        sum.responses.merge(right.responses, uniquingKeysWith: +)
        sum.requestTimes.merge(right.requestTimes) { left, right in
            var both = left
            both.add(right)
            return both
        }
        sum.deliveryTimes.add(right.deliveryTimes)
        sum.reads.merge(right.reads, uniquingKeysWith: +)
        sum.resumes += right.resumes
        sum.gaps += right.gaps
        sum.reconnects.merge(right.reconnects, uniquingKeysWith: +)
        sum.deliveries += right.deliveries
        sum.deliveredBytes += right.deliveredBytes
        sum.evictions += right.evictions
        sum.readers.merge(right.readers, uniquingKeysWith: +)
        sum.longPolls += right.longPolls
        sum.heldReaders += right.heldReaders
        return sum
    }
}
