import DequeModule

/// The events of a log, or of a part of it, that are in memory: as many entries as there were appends, however many
/// events each had.
@available(freshet 0.1, *)
package struct EventLog: Sendable {
    private struct Entry: Sendable {
        var run: EventRun
        /// When it was kept, on the store's clock in milliseconds.
        var at: Int64
    }

    private var entries: Deque<Entry> = []
    /// How many events there are.
    package private(set) var count = 0
    /// What they count against a bound on bytes.
    package private(set) var size = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package var firstOffset: Offset? { entries.first.map { $0.run.offset(at: $0.run.startIndex) } }
    package var lastOffset: Offset? { entries.last?.run.lastOffset }

    /// The oldest event, without its data.
    package var oldest: (offset: Offset, size: Int, at: Int64)? {
        guard let first = entries.first else { return nil }
        let index = first.run.startIndex
        return (first.run.offset(at: index), first.run.size(at: index), first.at)
    }

    package mutating func append(_ run: EventRun, at moment: Int64) {
        guard !run.isEmpty else { return }
        entries.append(Entry(run: run, at: moment))
        count += run.count
        size += run.size
    }

    package mutating func append(contentsOf other: EventLog) {
        for entry in other.entries { append(entry.run, at: entry.at) }
    }

    /// Takes away the oldest event.
    package mutating func removeFirst() {
        guard let first = entries.first else { return }
        removeFromFirst(upTo: first.run.startIndex + 1)
    }

    /// Takes away everything up to an offset.
    package mutating func remove(through offset: Offset) {
        while let first = entries.first {
            let index = first.run.index(after: offset)
            if index == first.run.startIndex { return }
            removeFromFirst(upTo: index)
        }
    }

    private mutating func removeFromFirst(upTo index: Int) {
        let run = entries[0].run
        let removed = run[run.startIndex..<index]
        count -= removed.count
        size -= removed.size
        if index == run.endIndex {
            entries.removeFirst()
        } else {
            // What was taken away must not be held because something behind it is kept.
            entries[0].run = run[index..<run.endIndex].withoutWaste
        }
    }

    /// Everything up to an offset.
    package func prefix(through offset: Offset) -> EventLog {
        var log = EventLog()
        for entry in entries {
            let index = entry.run.index(after: offset)
            log.append(entry.run[entry.run.startIndex..<index], at: entry.at)
            if index < entry.run.endIndex { break }
        }
        return log
    }

    /// Everything later than an offset.
    package func suffix(after offset: Offset) -> EventLog {
        guard let place = place(after: offset) else { return EventLog() }
        var log = EventLog()
        let run = entries[place.entry].run
        log.append(run[place.index..<run.endIndex], at: entries[place.entry].at)
        for entry in entries[(place.entry + 1)...] { log.append(entry.run, at: entry.at) }
        return log
    }

    package func contains(_ offset: Offset) -> Bool {
        guard let last = lastOffset, offset <= last else { return false }
        // The first entry that reaches to the offset is the only one that can have it.
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if (entries[middle].run.lastOffset ?? offset) < offset { low = middle + 1 } else { high = middle }
        }
        let run = entries[low].run
        let index = run.index(after: offset)
        return index > run.startIndex && run.offset(at: index - 1) == offset
    }

    /// The runs, oldest first, and when each was kept.
    package var runs: some RandomAccessCollection<(run: EventRun, at: Int64)> {
        entries.lazy.map { (run: $0.run, at: $0.at) }
    }

    /// The events after an offset, oldest first.
    package func events(after offset: Offset) -> Events { Events(log: self, place: place(after: offset)) }

    private func place(after offset: Offset) -> (entry: Int, index: Int)? {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if (entries[middle].run.lastOffset ?? offset) <= offset { low = middle + 1 } else { high = middle }
        }
        return low < entries.count ? (low, entries[low].run.index(after: offset)) : nil
    }

    /// Events of a log one by one.
    package struct Events: Sequence, IteratorProtocol {
        private let log: EventLog
        private var place: (entry: Int, index: Int)?

        fileprivate init(log: EventLog, place: (entry: Int, index: Int)?) {
            self.log = log
            self.place = place
        }

        package mutating func next() -> KeptEvent? {
            guard let (entry, index) = place else { return nil }
            let current = log.entries[entry]
            if index + 1 < current.run.endIndex {
                place = (entry, index + 1)
            } else if entry + 1 < log.entries.count {
                place = (entry + 1, log.entries[entry + 1].run.startIndex)
            } else {
                place = nil
            }
            return KeptEvent(event: current.run[index], at: current.at)
        }
    }
}

@available(freshet 0.1, *)
extension EventLog: Sequence {
    package func makeIterator() -> Events {
        Events(log: self, place: entries.first.map { (0, $0.run.startIndex) })
    }
}
