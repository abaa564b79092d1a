package import NIOCore

/// When the readers of a stream are served next.
///
/// A stream that rests is delivered at once. While its readers are so many that one round takes a while, what is
/// committed meanwhile waits as long as the round before it took, 2 ms at most, and goes out as one write for each
/// reader: most of what a delivery costs is the write, whatever is in it.
@available(freshet 0.1, *)
package struct DeliveryPace {
    /// A round that is shorter than this is no reason to wait.
    static let short = TimeAmount.microseconds(200)
    static let longest = TimeAmount.milliseconds(2)

    private var restsUntil = NIODeadline.uptimeNanoseconds(0)

    package init() {}

    /// Until when what is committed now has to wait; nil when it goes out at once.
    package func wait(at now: NIODeadline) -> NIODeadline? { now < restsUntil ? restsUntil : nil }

    package mutating func delivered(from begin: NIODeadline, to end: NIODeadline) {
        let took = end - begin
        guard took >= Self.short else { return }
        restsUntil = end + min(took, Self.longest)
    }
}
