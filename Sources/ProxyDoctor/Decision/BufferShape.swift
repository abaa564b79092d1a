import ProbeProtocol

/// What holds events back lets go of them by some rule. Seen on a stream of a steady rate, and again at another rate.
@available(freshet 0.1, *)
package struct BufferShape: Sendable, Equatable {
    package enum Rule: Sendable, Equatable {
        /// Everything at the end.
        case full
        /// So many bytes at a time.
        case size(Int)
        /// What there is, every so many milliseconds.
        case timer(Int)
        /// Neither: typical for the window of a compressor. With the bytes of a usual batch.
        case irregular(Int)
        /// Nothing was held on a steady stream.
        case live
    }

    package var rule: Rule
    /// Bytes of the first batch, where it is much larger than the others: a firewall that looks at the beginning.
    package var first: Int?

    package init(rule: Rule, first: Int? = nil) {
        self.rule = rule
        self.first = first
    }

    /// - Parameters:
    ///   - slow: the stream with the lower rate.
    ///   - fast: the same with more than twice that rate.
    package init?(slow: StreamObservation, fast: StreamObservation) {
        guard slow.isProbe, fast.isProbe, !slow.flow.isEmpty, !fast.flow.isEmpty else { return nil }
        let slowBatches = Batches(slow)
        let fastBatches = Batches(fast)
        if slowBatches.isLive && fastBatches.isLive {
            self.init(rule: .live)
            return
        }
        guard slowBatches.count > 1 || fastBatches.count > 1 else {
            self.init(rule: .full)
            return
        }
        // The batch at the end is what was left over.
        let size =
            Self.near(slowBatches.usualBytes, fastBatches.usualBytes)
            // A large buffer may never have been full at the lower rate.
            ?? (slowBatches.usualBytes == nil ? fastBatches.usualBytes : nil)
        let period = Self.near(slowBatches.usualPeriod, fastBatches.usualPeriod)
        let rule: Rule
        switch (size, period) {
        case (let size?, nil): rule = .size(Int(size.rounded()))
        case (_, let period?): rule = .timer(Int(period.rounded()))
        case (nil, nil):
            rule = .irregular(Int(fastBatches.usualBytes ?? slowBatches.usualBytes ?? Double(fast.bytes)))
        }
        self.init(rule: rule, first: slowBatches.first ?? fastBatches.first)
    }

    /// The mean of two figures that are nearly the same.
    private static func near(_ one: Double?, _ other: Double?) -> Double? {
        guard let one, let other else { return nil }
        return max(one, other) <= 1.3 * min(one, other) ? (one + other) / 2 : nil
    }
}

/// A body in the batches that it came in.
@available(freshet 0.1, *)
struct Batches {
    /// Bytes and moment of each.
    private var batches: [(at: Double, bytes: Int)] = []
    private let gap: Double
    private let eventBytes: Int

    init(_ observation: StreamObservation) {
        gap = Double(observation.plan.gaps[0])
        eventBytes = observation.bytes / max(1, observation.plan.events)
        var last = -Double.infinity
        for flow in observation.flow where flow.bytes > 0 {
            // Two events that are sent one after the other are further apart than the reads of one batch.
            if flow.at - last <= gap * 0.4 {
                batches[batches.count - 1].bytes += flow.bytes
            } else {
                batches.append((flow.at, flow.bytes))
            }
            last = flow.at
        }
    }

    var count: Int { batches.count }

    /// Whether there is about one event in a batch.
    var isLive: Bool { (usualBytes ?? .infinity) < 1.6 * Double(eventBytes) }

    /// Nil where there is but the batch at the end.
    var usualBytes: Double? {
        let sizes = batches.dropLast().map(\.bytes).sorted()
        return sizes.isEmpty ? nil : Double(sizes[sizes.count / 2])
    }

    var usualPeriod: Double? {
        let periods = zip(batches, batches.dropFirst()).map { $1.at - $0.at }.sorted()
        return periods.count < 2 ? nil : periods[periods.count / 2]
    }

    /// The first batch, where it is much larger than the usual one.
    var first: Int? {
        guard let usual = usualBytes, batches.count > 3, Double(batches[0].bytes) > 1.8 * usual else { return nil }
        return batches[0].bytes
    }
}
