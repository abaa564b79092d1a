import StreamCore
package import StreamHTTP

/// The numbers of the streams and of the connections.
@available(freshet 0.1, *)
package struct ServerMetrics: MetricsSource {
    let plane: StreamPlane
    let loops: HTTPLoops
    /// How many are open; nil where connections are another server's.
    let connections: (@Sendable () -> Int)?
    let certificate: ServerCertificate?
    let accessLog: AccessLog?
    let quotas: QuotaTable

    /// - Parameter connections: how many are open; nil where connections are another server's.
    package init(
        plane: StreamPlane,
        loops: HTTPLoops,
        connections: (@Sendable () -> Int)? = nil,
        certificate: ServerCertificate? = nil,
        accessLog: AccessLog? = nil,
        quotas: QuotaTable
    ) {
        self.plane = plane
        self.loops = loops
        self.connections = connections
        self.certificate = certificate
        self.accessLog = accessLog
        self.quotas = quotas
    }

    /// What the event loops have counted.
    func counts() async -> DataPlaneMetrics { await loops.metrics() + plane.metrics() }

    package func metrics() async -> [MetricFamily] {
        let counts = await counts()
        let streams = plane.streams
        let open = connections.map { families(ofConnections: counts, open: $0()) } ?? []
        return families(of: streams.metrics, streams.store.usage) + open + families(of: counts)
            + families(of: plane.configuration.inflight.usage)
            + durations(streams.metrics, streams.store.syncTimes, counts) + [quotasRefused, expiry, dropped]
    }

    private var quotasRefused: MetricFamily {
        var refused = quotas.refused
        // Decided where the streams are, whoever writes them.
        refused[.bytes] = plane.streams.metrics.ownerFull
        return MetricFamily(
            "freshet_quota_refused_total",
            .counter,
            "Requests refused because a key or token was at a quota",
            by: "quota",
            Quota.allCases.map { ($0.rawValue, refused[$0] ?? 0) }
        )
    }

    private var expiry: MetricFamily {
        MetricFamily(
            "freshet_certificate_expiry_timestamp_seconds",
            .gauge,
            "When the certificate that new connections get expires, in seconds since 1970",
            certificate.map { [.init(Double($0.lastSecond))] } ?? []
        )
    }

    private var dropped: MetricFamily {
        MetricFamily(
            "freshet_access_log_dropped_total",
            .counter,
            "Lines of the access log that were not written",
            accessLog.map { [.init(Double($0.dropped))] } ?? []
        )
    }

    private func families(of inflight: InflightBudget.Usage) -> [MetricFamily] {
        let kinds = InflightBudget.Kind.allCases
        return [
            MetricFamily(
                "freshet_inflight_bytes",
                .gauge,
                "What requests in progress count against the limit inflight-bytes",
                by: "kind",
                kinds.map { ("\($0)", inflight[$0].bytes) }
            ),
            MetricFamily(
                "freshet_inflight_refused_total",
                .counter,
                "Requests that were refused or cut off because there was no room",
                by: "kind",
                kinds.map { ("\($0)", inflight[$0].gaveWay) }
            ),
        ]
    }

    private func durations(
        _ streams: StreamsMetrics,
        _ syncs: LatencyHistogram,
        _ plane: DataPlaneMetrics
    ) -> [MetricFamily] {
        [
            MetricFamily(
                "freshet_append_seconds",
                "From an append's arrival at the store until it is kept",
                streams.appendTimes
            ),
            MetricFamily("freshet_sync_seconds", "Committing a transaction of the store to its disk", syncs),
            MetricFamily(
                "freshet_delivery_seconds",
                "From events being visible until they are written to the readers of an event loop that follow",
                plane.deliveryTimes
            ),
            MetricFamily(
                "freshet_request_seconds",
                "From a request's head to its response's, of what waits for nobody else",
                by: "method",
                CountedMethod.allCases.compactMap { method in
                    plane.requestTimes[method].map { (method.rawValue, $0) }
                }
            ),
        ]
    }

    private func families(of streams: StreamsMetrics, _ usage: StoreUsage) -> [MetricFamily] {
        [
            MetricFamily("freshet_streams", .gauge, "Streams stored now", usage.streams),
            MetricFamily("freshet_store_bytes", .gauge, "Bytes they count towards the limit kept-bytes", usage.bytes),
            MetricFamily("freshet_streams_created_total", .counter, "Streams created", streams.created),
            MetricFamily(
                "freshet_stream_ends_total",
                .counter,
                "Streams ended",
                by: "reason",
                EndReason.allCases.map { ($0.rawValue, streams.ends[$0] ?? 0) }
            ),
            MetricFamily(
                "freshet_streams_removed_total",
                .counter,
                "Streams removed",
                by: "why",
                Removal.allCases.map { ($0.rawValue, streams.removals[$0] ?? 0) }
            ),
            MetricFamily(
                "freshet_appends_total",
                .counter,
                "Appends: requests, or pieces of streaming appends",
                streams.appends
            ),
            MetricFamily("freshet_appended_events_total", .counter, "Events appended", streams.events),
            MetricFamily("freshet_appended_bytes_total", .counter, "Bytes of data appended", streams.bytes),
            MetricFamily(
                "freshet_append_duplicates_total",
                .counter,
                "Retried appends that had been stored before",
                streams.duplicates
            ),
            MetricFamily("freshet_store_full_total", .counter, "Requests refused with 507", streams.full),
        ]
    }

    private func families(ofConnections plane: DataPlaneMetrics, open: Int) -> [MetricFamily] {
        [
            MetricFamily("freshet_connections", .gauge, "Open connections", open),
            MetricFamily("freshet_connections_total", .counter, "Connections accepted", plane.connections),
            MetricFamily(
                "freshet_connections_refused_total",
                .counter,
                "Connections refused by the limits",
                plane.refusedConnections
            ),
            MetricFamily(
                "freshet_tls_handshakes_failed_total",
                .counter,
                "Connections whose TLS handshake failed or took too long",
                plane.failedHandshakes
            ),
            MetricFamily(
                "freshet_http2_connections_total",
                .counter,
                "Connections that speak HTTP/2",
                plane.http2Connections
            ),
            MetricFamily(
                "freshet_http2_connections_failed_total",
                .counter,
                "Those of them that were closed because the client broke the protocol or went beyond a limit",
                plane.http2Failures
            ),
        ]
    }

    private func families(of plane: DataPlaneMetrics) -> [MetricFamily] {
        [
            MetricFamily(
                "freshet_responses_total",
                .counter,
                "Responses, counted when their headers are written",
                by: "status",
                plane.responses.sorted { $0.key < $1.key }.map { ("\($0.key)", $0.value) }
            ),
            MetricFamily(
                "freshet_readers",
                .gauge,
                "Readers that follow a stream",
                by: "form",
                EventForm.allCases.map { ($0.label, plane.readers[$0] ?? 0) } + [("long-poll", plane.longPolls)]
            ),
            MetricFamily("freshet_held_readers", .gauge, "Readers of streams that do not exist yet", plane.heldReaders),
            MetricFamily(
                "freshet_reads_total",
                .counter,
                "Reads that follow a stream, started",
                by: "form",
                EventForm.allCases.map { ($0.label, plane.reads[$0] ?? 0) }
            ),
            MetricFamily(
                "freshet_resumes_total",
                .counter,
                "Reads that follow a stream and came with a position",
                plane.resumes
            ),
            MetricFamily("freshet_gaps_total", .counter, "Gaps sent to readers", plane.gaps),
            MetricFamily(
                "freshet_reconnects_total",
                .counter,
                "Readers asked to reconnect",
                by: "why",
                ReconnectReason.allCases.map { ($0.rawValue, plane.reconnects[$0] ?? 0) }
            ),
            MetricFamily("freshet_deliveries_total", .counter, "Events written to readers", plane.deliveries),
            MetricFamily(
                "freshet_delivered_bytes_total",
                .counter,
                "Bytes written to readers, headers and heartbeats included",
                plane.deliveredBytes
            ),
            MetricFamily(
                "freshet_evictions_total",
                .counter,
                "Readers disconnected because they accepted no data",
                plane.evictions
            ),
        ]
    }
}

@available(freshet 0.1, *)
extension EventForm {
    var label: String {
        switch self {
        case .sse: "sse"
        case .ndjson: "ndjson"
        case .durableStreams: "durable-streams-sse"
        case .foreign: "relay"
        case .plain: "plain"
        }
    }
}
