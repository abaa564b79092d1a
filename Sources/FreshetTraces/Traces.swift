package import FreshetServer
import Locks
package import Logging
import StreamHTTP
import TextCodecs
package import Tracing

/// The spans of a server, on their way to a collector of OpenTelemetry: OTLP over HTTP, in JSON.
@available(freshet 0.1, *)
package final class Traces: Sendable, MetricsSource {
    private let queue = SpanQueue()
    private let exporter: SpanExporter
    private let client: CollectorClient
    private let fields: Collected

    /// Makes the spans.
    package let tracer: any Tracer

    /// What the collector is called with, which may be replaced while it is.
    private final class Collected: Sendable {
        private let current: Mutex<CollectorFields>

        init(_ fields: CollectorFields) {
            current = Mutex(fields)
        }

        var fields: CollectorFields {
            get { current.withLock(\.self) }
            set { current.withLock { $0 = newValue } }
        }
    }

    /// Nil where the configuration names no collector.
    package init?(_ configuration: ServerConfiguration, _ fields: CollectorFields, logger: Logger) {
        guard let url = configuration.otlpTracesURL else { return nil }
        let client = CollectorClient(url: url)
        let collected = Collected(fields)
        let (service, instance) = (configuration.otlpServiceName, RandomToken.text())
        self.client = client
        self.fields = collected
        tracer = SpanTracer(to: queue, Sampler(share: configuration.otlpSample))
        var logger = logger
        logger[metadataKey: "collector"] = "\(url)"
        exporter = SpanExporter(
            of: queue,
            logger: logger,
            export: { spans in
                // As many bytes as a span usually has: what is long is done where no connection waits.
                let body = await LongWork.look(at: spans.count * 1024) {
                    ExportRequest.body(of: spans, service: service, instance: instance)
                }
                return await client.answer(to: body, collected.fields)
            }
        )
        exporter.begin()
    }

    /// Calls the collector with other fields from now on.
    package func reload(_ fields: CollectorFields) { self.fields.fields = fields }

    /// Exports what is there, within two seconds. The server has stopped.
    package func end() async {
        await exporter.end()
        await client.end()
    }

    package func metrics() async -> [MetricFamily] {
        [
            MetricFamily(
                "freshet_spans_dropped_total",
                .counter,
                "Spans that were not exported: the queue was full, or the collector did not take them",
                queue.dropped
            )
        ]
    }
}
