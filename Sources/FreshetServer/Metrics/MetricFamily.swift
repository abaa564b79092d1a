package import StreamCore

/// Numbers of one kind, as Prometheus wants to be told of them (text format 0.0.4).
@available(freshet 0.1, *)
package struct MetricFamily: Sendable {
    package enum Kind: String, Sendable {
        case counter, gauge, histogram
    }

    package struct Sample: Sendable {
        /// What is added to the family's name: `_bucket`, `_sum` and `_count` of a histogram.
        package var suffix: String
        package var labels: [(name: String, value: String)]
        package var value: Double

        package init(_ value: Double, _ labels: [(name: String, value: String)] = [], suffix: String = "") {
            self.suffix = suffix
            self.labels = labels
            self.value = value
        }
    }

    package var name: String
    package var kind: Kind
    /// What the numbers say, in one sentence without its full stop.
    package var help: String
    package var samples: [Sample]
    /// Of a histogram, what its samples were made from.
    package private(set) var histograms: [(labels: [(name: String, value: String)], histogram: LatencyHistogram)] = []

    package init(_ name: String, _ kind: Kind, _ help: String, _ samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// Histograms of one name, with the samples that they come to.
    init(
        _ name: String,
        _ help: String,
        _ histograms: [(labels: [(name: String, value: String)], histogram: LatencyHistogram)],
        samples: [Sample]
    ) {
        self.init(name, .histogram, help, samples)
        self.histograms = histograms
    }

    package init(_ name: String, _ kind: Kind, _ help: String, _ value: Int) {
        self.init(name, kind, help, [Sample(Double(value))])
    }

    /// One sample for each value of a label.
    package init(_ name: String, _ kind: Kind, _ help: String, by label: String, _ values: [(String, Int)]) {
        self.init(name, kind, help, values.map { Sample(Double($0.1), [(label, $0.0)]) })
    }
}

/// What has numbers to tell.
@available(freshet 0.1, *)
package protocol MetricsSource: Sendable {
    func metrics() async -> [MetricFamily]
}
