import StreamCore

/// What a node did in the last hour, in parts of ten seconds.
@available(freshet 0.1, *)
struct NodeHistory: Sendable {
    /// What there is, and what there was since the start.
    struct Counts: Sendable {
        var appends = 0
        var events = 0
        var deliveries = 0
        var syncs = LatencyHistogram()
        var readers = 0
        var memory: Int?
    }

    /// What was added in one part, and what there was at its end.
    struct Part: Sendable, Equatable {
        var appends: Int
        var events: Int
        var deliveries: Int
        var readers: Int
        var memory: Int?
        /// The sync that one in a hundred takes longer than; nil when there was none.
        var sync: Duration?
    }

    static let step = Duration.seconds(10)
    static let length = 360

    /// Oldest first.
    private(set) var parts: [Part] = []
    /// When the last of them ended, in milliseconds since 1970.
    private(set) var end: UInt64?
    private var last = Counts()

    mutating func add(_ counts: Counts, at milliseconds: UInt64) {
        if parts.count == Self.length { parts.removeFirst() }
        parts.append(
            Part(
                appends: counts.appends - last.appends,
                events: counts.events - last.events,
                deliveries: counts.deliveries - last.deliveries,
                readers: counts.readers,
                memory: counts.memory,
                sync: counts.syncs.since(last.syncs).quantile(0.99)
            )
        )
        end = milliseconds
        last = counts
    }
}
