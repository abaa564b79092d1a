import DequeModule
import StreamCore

/// One stream as the writer knows it. Belongs to the writer's thread.
@available(freshet 0.1, *)
final class WriterStream {
    /// As committed, except for what trimming did since: that is worked out again when it is lost.
    var row: StreamRow
    var log: LogState
    /// As it will be when the commit that is being put together succeeds.
    var nextRow: StreamRow?
    var nextLog: LogState?
    /// The checksum of its row in the table; nil when it has none yet.
    var rowSum: UInt32?
    var nextRowSum: UInt32?

    /// The committed events that are in no chunk yet and not trimmed.
    var unsealed = EventLog()
    /// The hot rows that hold them, or anything else of the stream that its row does not.
    var hotRows: Deque<Int64> = []
    /// When the oldest of that was kept, on the store's clock.
    var unsealedSince: Int64?
    /// The value of that under which it stands in the queue of those to be sealed by age.
    var agingSince: Int64?
    var isQueuedToSeal = false
    var isBeingSealed = false
    var isQueuedAsGarbage = false
    /// Streaming appends that are open.
    var openProducers = 0
    /// The first chunk, as far as retention has not passed it; nil when it is not loaded.
    var trimming: EventLog?

    init(_ row: StreamRow) {
        self.row = row
        self.log = row.sealed
    }

    var currentRow: StreamRow { nextRow ?? row }
    var currentLog: LogState { nextLog ?? log }

    var cost: Int {
        StoreLimits.cost(
            events: currentLog.appendedEvents - row.trimmedEvents,
            bytes: currentLog.appendedBytes - row.trimmedBytes,
            producers: currentLog.producers.count
        )
    }

    /// What readers may see.
    var committed: StreamState { StreamState(row, log) }

    /// As it will be when the commit that is being put together succeeds.
    var info: StreamInfo { StreamState(currentRow, currentLog).info }

    /// Takes events that were committed.
    func keep(_ events: EventRun, at now: Int64, hot: Int64) {
        unsealed.append(events[events.index(after: row.floor)...], at: now)
        if hotRows.last != hot { hotRows.append(hot) }
        if unsealedSince == nil { unsealedSince = now }
    }
}
