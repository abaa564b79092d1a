package import CoreMetrics
import StreamCore
import StreamHTTP

/// Tells the figures of `/metrics` to the backend that the program has bootstrapped in `MetricsSystem`, under the same
/// names and labels: counters, gauges, and a timer for each histogram.
///
/// They are taken from the server's own counts every ten seconds, and a last time when it stops, so that what is counted
/// costs no more than it does without a backend. A duration is told as the middle of its class of the histogram, within
/// a sixteenth of it.
@available(freshet 0.1, *)
package actor MetricsReport {
    /// On a thread of its own: a backend may take long over many durations.
    package nonisolated var unownedExecutor: UnownedSerialExecutor { BackgroundThread.upkeep.asUnownedSerialExecutor() }

    static let interval = Duration.seconds(10)

    private var sources: [any MetricsSource]
    private let factory: any MetricsFactory
    private var counters: [Series: (counter: Counter, told: Int64)] = [:]
    private var gauges: [Series: Gauge] = [:]
    private var timers: [Series: (timer: CoreMetrics.Timer, told: LatencyHistogram)] = [:]
    private var telling: Task<Void, Never>?

    private struct Series: Hashable {
        var name: String
        var labels: [String]

        init(_ name: String, _ labels: [(name: String, value: String)]) {
            self.name = name
            self.labels = labels.flatMap { [$0.name, $0.value] }
        }
    }

    /// Nil where the program has bootstrapped no backend.
    package init?(of sources: [any MetricsSource], to factory: any MetricsFactory = MetricsSystem.factory) {
        guard !(factory is NOOPMetricsHandler) else { return nil }
        self.sources = sources
        self.factory = factory
    }

    /// Tells every ten seconds, until the end.
    package func begin() {
        telling = Task { await self.tellForEver() }
    }

    /// Tells a last time. What is counted may be gone afterwards.
    package func end() async {
        telling?.cancel()
        await telling?.value
        telling = nil
        await tell()
        sources = []
    }

    private func tellForEver() async {
        let clock = EventLoopClock()
        while true {
            try? await clock.sleep(for: Self.interval)
            if Task.isCancelled { return }
            await tell()
        }
    }

    /// Tells what has changed.
    func tell() async {
        for source in sources {
            for family in await source.metrics() { tell(family) }
        }
    }

    private func tell(_ family: MetricFamily) {
        switch family.kind {
        case .counter: for sample in family.samples { count(sample, family.name) }
        case .gauge: for sample in family.samples { set(sample, family.name) }
        case .histogram:
            for (labels, histogram) in family.histograms { record(histogram, Series(family.name, labels), labels) }
        }
    }

    private func count(_ sample: MetricFamily.Sample, _ name: String) {
        let series = Series(name, sample.labels)
        let value = Int64(sample.value)
        let known =
            counters[series] ?? (Counter(label: name, dimensions: Self.dimensions(sample.labels), factory: factory), 0)
        // What is not counted yet is there all the same.
        if value > known.told || counters[series] == nil { known.counter.increment(by: value - known.told) }
        counters[series] = (known.counter, value)
    }

    private func set(_ sample: MetricFamily.Sample, _ name: String) {
        let series = Series(name, sample.labels)
        let gauge =
            gauges[series] ?? Gauge(label: name, dimensions: Self.dimensions(sample.labels), factory: factory)
        gauges[series] = gauge
        gauge.record(sample.value)
    }

    private func record(
        _ histogram: LatencyHistogram,
        _ series: Series,
        _ labels: [(name: String, value: String)]
    ) {
        let known =
            timers[series]
            ?? (
                CoreMetrics.Timer(label: series.name, dimensions: Self.dimensions(labels), factory: factory),
                LatencyHistogram()
            )
        for (duration, count) in histogram.since(known.told).observations {
            let nanoseconds = Int64(duration / .nanoseconds(1))
            for _ in 0..<count { known.timer.recordNanoseconds(nanoseconds) }
        }
        timers[series] = (known.timer, histogram)
    }

    private static func dimensions(_ labels: [(name: String, value: String)]) -> [(String, String)] {
        labels.map { ($0.name, $0.value) }
    }
}
