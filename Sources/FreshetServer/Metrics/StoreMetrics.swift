package import StreamCore

/// The numbers of a store that is elsewhere, as this node sees it.
@available(freshet 0.1, *)
package struct StoreMetrics: MetricsSource {
    private let store: any ObservedStore

    /// Nil for a store that is this node's own.
    package init?(_ store: any StreamStore) {
        guard let store = store as? any ObservedStore else { return nil }
        self.store = store
    }

    package func metrics() async -> [MetricFamily] {
        let (standing, activity) = (store.standing, store.activity)
        return [
            MetricFamily(
                "freshet_redis_up",
                .gauge,
                "Whether this node is connected to Redis",
                standing.trouble == nil ? 1 : 0
            ),
            MetricFamily(
                "freshet_redis_master_info",
                .gauge,
                "1, with the address of the Redis that this node is connected to",
                standing.server.map { [.init(1, [("address", $0)])] } ?? []
            ),
            MetricFamily(
                "freshet_redis_reconnects_total",
                .counter,
                "Connections to Redis that were made after the first",
                activity.reconnects
            ),
            MetricFamily("freshet_redis_commands_total", .counter, "Commands sent to Redis", activity.commands),
            MetricFamily(
                "freshet_redis_round_trip_seconds",
                "From sending commands to Redis until their replies were there",
                activity.roundTrips
            ),
            MetricFamily(
                "freshet_redis_memory_bytes",
                .gauge,
                "Memory that Redis uses",
                standing.memory.map { [.init(Double($0))] } ?? []
            ),
            MetricFamily(
                "freshet_redis_memory_limit_bytes",
                .gauge,
                "Memory that Redis may use, where it has a limit",
                standing.memoryLimit.map { [.init(Double($0))] } ?? []
            ),
            MetricFamily(
                "freshet_swept_streams_total",
                .counter,
                "Streams that this node looked at because something was due",
                activity.swept
            ),
            MetricFamily(
                "freshet_buried_sessions_total",
                .counter,
                "Sessions of other nodes that this node found dead",
                activity.buried
            ),
        ]
    }
}
