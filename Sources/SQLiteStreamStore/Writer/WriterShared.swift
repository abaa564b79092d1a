import Locks

import struct Synchronization.Atomic

/// What the writer's thread shares with the others.
final class WriterShared: Sendable {
    let queue = WorkQueue<Operation>()
    let counters = Mutex(StoreCounters())
    let checkpointer: Checkpointer
    let clock: StoreClock
    /// Streams with retention by age.
    let agedStreams = Atomic(0)

    init(checkpointer: Checkpointer, clock: StoreClock) {
        self.checkpointer = checkpointer
        self.clock = clock
    }
}
