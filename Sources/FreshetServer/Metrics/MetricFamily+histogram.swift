package import StreamCore

@available(freshet 0.1, *)
extension MetricFamily {
    /// Upper bounds of the buckets, in seconds: from what an append to memory takes to what nobody waits for.
    private static let bounds = [
        0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60,
    ]

    package init(_ name: String, _ help: String, _ histogram: LatencyHistogram) {
        self.init(name, help, [(labels: [], histogram: histogram)])
    }

    /// One histogram for each value of a label.
    package init(_ name: String, _ help: String, by label: String, _ histograms: [(String, LatencyHistogram)]) {
        self.init(name, help, histograms.map { (labels: [(name: label, value: $0.0)], histogram: $0.1) })
    }

    private init(
        _ name: String,
        _ help: String,
        _ histograms: [(labels: [(name: String, value: String)], histogram: LatencyHistogram)]
    ) {
        self.init(name, help, histograms, samples: histograms.flatMap { Self.samples($0.histogram, $0.labels) })
    }

    private static func samples(_ histogram: LatencyHistogram, _ labels: [(name: String, value: String)]) -> [Sample] {
        let buckets = bounds.map { bound in
            Sample(
                Double(histogram.count(upTo: .seconds(bound))),
                labels + [("le", MetricsText.number(bound))],
                suffix: "_bucket"
            )
        }
        return buckets + [
            Sample(Double(histogram.count), labels + [("le", "+Inf")], suffix: "_bucket"),
            Sample(histogram.sum / .seconds(1), labels, suffix: "_sum"),
            Sample(Double(histogram.count), labels, suffix: "_count"),
        ]
    }
}
