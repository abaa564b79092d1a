package import FreshetServer
import StreamCore

@available(freshet 0.1, *)
extension HookRoutes: MetricsSource {
    package func metrics() async -> [MetricFamily] {
        let standings = await hooks.deliveries.standings
        let counts = standings.reduce(HookCounts()) { $0 + $1.counts }
        let usage = hooks.outbox.outboxUsage
        let now = hooks.deliveries.wallMilliseconds
        let oldest = standings.compactMap(\.oldest).min().map { now > $0 ? now - $0 : 0 } ?? 0
        return [
            MetricFamily(
                "freshet_hook_deliveries_total",
                .counter,
                "Calls of hooks, by what became of them",
                by: "result",
                [("delivered", counts.delivered), ("failed", counts.failed), ("gone", counts.gone)]
            ),
            MetricFamily("freshet_hook_backlog", .gauge, "Calls that have not succeeded yet", usage.entries),
            MetricFamily("freshet_hook_backlog_bytes", .gauge, "What they take in the store", usage.bytes),
            MetricFamily("freshet_hook_dead_letters", .gauge, "Those of them that are tried no more", usage.failed),
            MetricFamily(
                "freshet_hook_oldest_call_seconds",
                .gauge,
                "How long the call that waits longest, and is still tried, has waited",
                Int(oldest / 1000)
            ),
            MetricFamily(
                "freshet_hook_dropped_contents_total",
                .counter,
                "Calls that were kept without the content of their stream",
                by: "reason",
                OutboxEntry.Omission.allCases.map { ($0.rawValue, usage.omitted[$0] ?? 0) }
            ),
            MetricFamily(
                "freshet_hooks_disabled",
                .gauge,
                "Hooks that answered 410 and are not called",
                standings.count(where: \.isDisabled)
            ),
        ]
    }
}
