/// What can be seen of an event stream from outside: the same URL read in several ways at the same time, each the
/// control of the others, and once more from the middle.
@available(freshet 0.1, *)
package struct OutsideEvidence: Sendable {
    /// Without compression.
    package var plain: OutsideReading
    /// For a client that takes gzip.
    package var compressed: OutsideReading
    /// Straight to the origin.
    package var direct: OutsideReading?
    /// From an event that was seen, with its id; nil where events have none.
    package var resumed: Resumed?

    package struct Resumed: Sendable {
        package var after: OutsideReading.Event
        package var proxied: OutsideReading
        package var direct: OutsideReading?

        package init(after: OutsideReading.Event, proxied: OutsideReading, direct: OutsideReading?) {
            self.after = after
            self.proxied = proxied
            self.direct = direct
        }
    }

    package init(
        plain: OutsideReading,
        compressed: OutsideReading,
        direct: OutsideReading? = nil,
        resumed: Resumed? = nil
    ) {
        self.plain = plain
        self.compressed = compressed
        self.direct = direct
        self.resumed = resumed
    }

    /// How a reading compares with another of the same events at the same time; nil where they have too few in common.
    static func compare(_ reading: OutsideReading, with control: OutsideReading) -> Comparison? {
        var times: [String: Double] = [:]
        var doubled: Set<String> = []
        // What there was before comes all at once, and shows nothing.
        let begun = (control.headAt ?? control.sentAt) + 100
        for event in control.events where event.at > begun && times.updateValue(event.at, forKey: key(event)) != nil {
            doubled.insert(key(event))
        }
        // What looks the same twice cannot be told apart.
        let pairs = reading.events.compactMap { event in
            doubled.contains(key(event)) ? nil : times[key(event)].map { (control: $0, at: event.at) }
        }
        guard pairs.count >= 3, let least = pairs.map({ $0.at - $0.control }).min() else { return nil }
        // The way is no longer than the heads took; an event that waits for the next one is later than that always.
        let heads = reading.headAt.flatMap { one in
            control.headAt.map { (one - reading.sentAt) - ($0 - control.sentAt) }
        }
        let longer = min(least, heads ?? least)
        return Comparison(pairs.map { (due: $0.control + longer, at: $0.at) })
    }

    private static func key(_ event: OutsideReading.Event) -> String { "\(event.id)\n\(event.type)\n\(event.data)" }
}

/// How much later events came than those of a control.
@available(freshet 0.1, *)
struct Comparison {
    let delays: [Double]
    /// The share of them that came when the next one was due.
    let behind: Double

    init(_ pairs: [(due: Double, at: Double)]) {
        delays = pairs.map { $0.at - $0.due }.sorted()
        // Events close together would look so by chance.
        let apart = zip(pairs, pairs.dropFirst()).filter { $1.due - $0.due > 2 * Delivery.Limits.near }
        let near = apart.count { one, other in abs(one.at - other.due) <= Delivery.Limits.near }
        behind = Double(near) / Double(max(1, apart.count))
    }

    var median: Double { delays[delays.count / 2] }
    var p90: Double { delays[min(delays.count - 1, delays.count * 9 / 10)] }
    var most: Double { delays[delays.count - 1] }

    var isLive: Bool {
        most < Delivery.Limits.most || (median < Delivery.Limits.usual && p90 < Delivery.Limits.most)
    }
}
