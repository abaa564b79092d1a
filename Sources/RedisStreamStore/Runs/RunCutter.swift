import StreamCore

/// Cuts the events of one append into runs, each of which is one entry of a Redis stream.
///
/// Few events an entry, and a page that wants some of them loads many; one an entry, and a batch costs as many calls. The
/// defaults are what a reader takes at a time.
@available(freshet 0.1, *)
package struct RunCutter: Sendable {
    /// The most events of one run.
    package var events: Int
    /// The most bytes of one run. A larger event is a run of its own.
    package var bytes: Int

    package init(events: Int = 64, bytes: Int = 32 << 10) {
        precondition(events > 0, "a run has an event")
        self.events = events
        self.bytes = bytes
    }

    /// The runs of a batch, as ranges of its indices.
    func runs(of batch: EventBatch) -> [Range<Int>] {
        guard batch.count > 1 else { return batch.isEmpty ? [] : [batch.indices] }
        if batch.count <= events, batch.size <= bytes { return [batch.indices] }
        var runs: [Range<Int>] = []
        var start = batch.startIndex
        var size = 0
        for index in batch.indices {
            let next = batch.size(at: index)
            if index > start, index - start == events || size + next > bytes {
                runs.append(start..<index)
                start = index
                size = 0
            }
            size += next
        }
        runs.append(start..<batch.endIndex)
        return runs
    }
}
