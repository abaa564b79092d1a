import NIOCore
import StreamCore

/// Who follows a stream on one event loop, as the loop's plane sees it.
@available(freshet 0.1, *)
protocol TailReader: AnyObject {
    var name: StreamName { get }
    /// The place in its group, kept by the group.
    var index: Int { get set }
    /// What it is handed is in memory for it alone until its peer has taken it: no other reader shares those bytes.
    var holdsItsOwnBytes: Bool { get }
    /// Counts itself among the readers of now.
    func count(into metrics: inout DataPlaneMetrics)
    func standing(at now: NIODeadline) -> ReaderStanding

    func ready()
    func created()
    func broken()
    func trimmed(floor: Offset)
    func removed(_ removal: Removal)
    func committed(_ batch: TailBatch)
}
