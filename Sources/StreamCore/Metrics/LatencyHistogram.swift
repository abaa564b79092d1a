/// Durations counted in classes that are at most an eighth wide, from 1 µs to over an hour: two kilobytes once there is
/// one, and quantiles that are right within 12 %.
@available(freshet 0.1, *)
package struct LatencyHistogram: Sendable, Equatable {
    private static let classes = 33 * 8
    private var counts: [UInt64] = []
    package private(set) var count = 0
    package private(set) var sum: Duration = .zero

    package init() {}

    package mutating func add(_ duration: Duration) {
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.classes) }
        counts[Self.index(duration)] += 1
        count += 1
        sum += duration
    }

    package mutating func add(_ other: LatencyHistogram) {
        guard other.count > 0 else { return }
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.classes) }
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        sum += other.sum
    }

    /// What was added since it was another one.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        guard earlier.count > 0 else { return self }
        var rest = self
        for index in rest.counts.indices { rest.counts[index] -= earlier.counts[index] }
        rest.count -= earlier.count
        rest.sum -= earlier.sum
        return rest
    }

    /// How many are not longer than a duration, right within an eighth of it.
    package func count(upTo bound: Duration) -> Int {
        counts.isEmpty ? 0 : counts[...Self.index(bound)].reduce(0) { $0 + Int($1) }
    }

    /// The duration that so much of all are not longer than, 0.5 for the median; nil when there are none.
    package func quantile(_ part: Double) -> Duration? {
        guard count > 0 else { return nil }
        let rank = max(1, Int((Double(count) * part).rounded(.up)))
        var seen = 0
        for (index, number) in counts.enumerated() {
            seen += Int(number)
            if seen >= rank { return Self.upperEnd(index) }
        }
        return nil
    }

    /// The classes that anything is in: the middle of each, and how many are in it.
    package var observations: [(duration: Duration, count: Int)] {
        counts.enumerated().compactMap { index, number in
            number == 0 ? nil : ((Self.lowerEnd(index) + Self.upperEnd(index)) / 2, Int(number))
        }
    }

    private static func index(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        let microseconds = UInt64(max(0, seconds)) * 1_000_000 + UInt64(max(0, attoseconds) / 1_000_000_000_000)
        guard microseconds >= 8 else { return Int(microseconds) }
        let magnitude = 63 - microseconds.leadingZeroBitCount
        let eighth = Int(microseconds >> (magnitude - 3)) & 7
        return min(classes - 1, (magnitude - 2) * 8 + eighth)
    }

    private static func lowerEnd(_ index: Int) -> Duration {
        guard index >= 8 else { return .microseconds(index) }
        return .microseconds(Int64(8 + index % 8) << (index / 8 + 2 - 3))
    }

    private static func upperEnd(_ index: Int) -> Duration {
        guard index >= 8 else { return .microseconds(index) }
        let magnitude = index / 8 + 2
        return .microseconds(Int64(8 + index % 8 + 1) << (magnitude - 3) - 1)
    }
}
