import CompletionRelay
package import FreshetServer
import StreamCore

@available(freshet 0.1, *)
extension RelayRoutes: MetricsSource {
    package func metrics() async -> [MetricFamily] {
        let relay = relay.metrics
        return [
            MetricFamily("freshet_relay_running", .gauge, "Answers that are being written", relay.running),
            MetricFamily("freshet_relay_started_total", .counter, "Answers begun", relay.started),
            MetricFamily(
                "freshet_relay_ends_total",
                .counter,
                "Answers ended",
                by: "reason",
                EndReason.allCases.map { ($0.rawValue, relay.ended[$0] ?? 0) }
            ),
            MetricFamily("freshet_relay_refused_total", .counter, "Calls that ended before a stream", relay.refused),
            MetricFamily("freshet_relay_attached_total", .counter, "Calls that found their answer", relay.attached),
            MetricFamily("freshet_relay_passed_total", .counter, "Requests passed on as they are", relay.passed),
            MetricFamily("freshet_relay_tokens_total", .counter, "Tokens of ended answers", relay.tokens),
            MetricFamily("freshet_relay_bytes_total", .counter, "Bytes of their events", relay.bytes),
            MetricFamily(
                "freshet_relay_unread_tokens_total",
                .counter,
                "Tokens that came after the last reader had left",
                relay.unreadTokens
            ),
            MetricFamily(
                "freshet_relay_first_token_seconds",
                "From the call to the first token in the log",
                relay.timeToFirstToken
            ),
            MetricFamily(
                "freshet_relay_between_tokens_seconds",
                "Between two tokens, in the log and at the caller's socket",
                by: "at",
                [("log", relay.atLog), ("socket", relay.atSocket)]
            ),
        ]
    }
}
