import ProbeProtocol

/// Streams that were tried beside a control, in one attempt or several. Only attempts whose control is fit count; of
/// those the one in which a stream was the most live, since what holds events back does it always.
@available(freshet 0.1, *)
struct Attempts: Sendable {
    /// Nil before the first attempt, and where there was nothing to hold the streams against.
    private(set) var control: Delivery?
    private(set) var deliveries: [ProbeLabel: Delivery] = [:]
    private var isBegun = false

    /// Whether no attempt had a control that was itself in time.
    var isControlUnfit: Bool { control?.isUnfit ?? false }

    /// Takes one attempt, and tells of which streams it is the one that counts now.
    mutating func take(_ taken: [ProbeLabel: Delivery], control: Delivery?) -> Set<ProbeLabel> {
        let isUnfit = control?.isUnfit ?? false
        if isBegun {
            if isUnfit { return [] }
            if isControlUnfit { self = Attempts() }
        }
        if self.control == nil || (control?.p90 ?? .infinity) < self.control?.p90 ?? .infinity {
            self.control = control
        }
        isBegun = true
        var better: Set<ProbeLabel> = []
        for (label, delivery) in taken {
            if let before = deliveries[label], Self.rank(before) <= Self.rank(delivery) { continue }
            deliveries[label] = delivery
            better.insert(label)
        }
        return better
    }

    private static func rank(_ delivery: Delivery) -> Double {
        switch delivery.kind {
        case .live, .liveUnread: delivery.p90 / 1e6
        case .oneBehind, .late: 1 + delivery.p90
        case .none: .infinity
        }
    }
}
