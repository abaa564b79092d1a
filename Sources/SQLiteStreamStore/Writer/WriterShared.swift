import Locks
import StreamCore

/// What the writer's thread shares with the others.
@available(freshet 0.1, *)
final class WriterShared: Sendable {
    let queue = WorkQueue<Operation>()
    let counters = Mutex(StoreCounters())
    let syncTimes = Mutex(LatencyHistogram())
    let checkpointer: Checkpointer
    let clock: StoreClock
    /// Why nothing can be kept any more; nil while it can.
    let failure = Mutex<String?>(nil)
    /// Streams with retention by age.
    let agedStreams = Mutex(0)
    let outboxUsage = Mutex(OutboxUsage())
    let outboxListener = Mutex<(@Sendable ([OutboxEntry]) -> Void)?>(nil)

    init(checkpointer: Checkpointer, clock: StoreClock) {
        self.checkpointer = checkpointer
        self.clock = clock
    }
}
