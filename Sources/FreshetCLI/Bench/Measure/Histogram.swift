/// How often each duration was measured, in whole microseconds to an hour, with three significant digits: what is told of
/// a quantile is at most 0.1 % above it.
///
/// Log-linear, in the manner of Gil Tene's HdrHistogram: up to 2,047 µs each value has a bucket of its own; from there on
/// each doubling has 1,024. It takes 182 KiB whatever it measured, and forgets nothing.
@available(freshet 0.1, *)
struct Histogram: Sendable, Equatable {
    /// An hour, in microseconds. What is longer counts as that.
    static let longest: UInt64 = 3_600_000_000
    /// Values below have a bucket each.
    private static let exact: UInt64 = 2048
    /// Buckets for each doubling above.
    private static let half = 1024

    private(set) var count: UInt64 = 0
    /// Exact, unlike the quantiles. 0 when nothing was measured.
    private(set) var maximum: UInt64 = 0
    private(set) var minimum: UInt64 = 0
    /// Measured as more than an hour.
    private(set) var beyond: UInt64 = 0
    private var sum: UInt64 = 0
    private var counts: [UInt64] = []

    init() {}

    /// In microseconds; 0 when nothing was measured.
    var mean: Double { count == 0 ? 0 : Double(sum) / Double(count) }

    mutating func record(microseconds: UInt64) {
        // Most histograms of a run stay empty.
        if counts.isEmpty { counts = [UInt64](repeating: 0, count: Self.index(of: Self.longest) + 1) }
        if microseconds > Self.longest { beyond += 1 }
        let value = min(microseconds, Self.longest)
        counts[Self.index(of: value)] += 1
        minimum = count == 0 ? value : min(minimum, value)
        maximum = max(maximum, value)
        count += 1
        sum += value
    }

    /// The smallest value that so many of the measured ones do not exceed, as the longest that its bucket may hold;
    /// 0 when nothing was measured.
    ///
    /// - Parameter part: From 0 to 1; 0.5 is the median.
    func quantile(_ part: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let rank = max(1, UInt64((min(max(part, 0), 1) * Double(count)).rounded(.up)))
        var seen: UInt64 = 0
        for index in counts.indices {
            seen += counts[index]
            if seen >= rank { return min(Self.longestValue(at: index), maximum) }
        }
        return maximum
    }

    private static func index(of value: UInt64) -> Int {
        guard value >= exact else { return Int(value) }
        let shift = 53 - value.leadingZeroBitCount
        return Int(exact) + (shift - 1) * half + Int(value >> UInt64(shift)) - half
    }

    private static func longestValue(at index: Int) -> UInt64 {
        guard index >= Int(exact) else { return UInt64(index) }
        let (doubling, place) = (index - Int(exact)).quotientAndRemainder(dividingBy: half)
        let shift = UInt64(doubling + 1)
        return (UInt64(place + half) << shift) + (1 << shift) - 1
    }
}
