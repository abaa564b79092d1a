/// How much of each one caller may have; nil is no limit.
@available(freshet 0.1, *)
package struct QuotaLimits: Sendable {
    var requestsPerSecond: Int?
    var readers: Int?
    var producers: Int?
    var streamsPerHour: Int?

    package init(_ configuration: ServerConfiguration) {
        self.init(
            requestsPerSecond: configuration.quotaRequests,
            readers: configuration.quotaReaders,
            producers: configuration.quotaProducers,
            streamsPerHour: configuration.quotaStreams
        )
    }

    init(requestsPerSecond: Int? = nil, readers: Int? = nil, producers: Int? = nil, streamsPerHour: Int? = nil) {
        self.requestsPerSecond = requestsPerSecond
        self.readers = readers
        self.producers = producers
        self.streamsPerHour = streamsPerHour
    }

    /// A page asks for several things at once: two seconds' worth may come together.
    var requests: Rate? { requestsPerSecond.map { Rate($0, in: .seconds(1), burst: 2 * $0) } }

    /// All of an hour may be created at once.
    var streams: Rate? { streamsPerHour.map { Rate($0, in: .seconds(3600), burst: $0) } }

    /// Nobody needs to be known.
    var areOff: Bool { requestsPerSecond == nil && readers == nil && producers == nil && streamsPerHour == nil }
}
