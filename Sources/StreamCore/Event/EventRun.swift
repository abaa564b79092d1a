/// A stretch of a log: the events of one batch, and the offset of each.
@available(freshet 0.1, *)
package struct EventRun: Sendable {
    private let batch: EventBatch
    /// The offset of the event with the index 0, which those of the others follow one by one.
    private let base: Offset
    /// The offset of each, where they do not.
    private let offsets: [Offset]

    /// Events that were given offsets together: the first this one, and the others those that follow it.
    package init(_ batch: EventBatch, from first: Offset) {
        // Offsets are counted from the first event of the whole buffer.
        self.batch = batch.startIndex == 0 ? batch : batch.compacted
        base = first
        offsets = []
    }

    /// Events with an offset each.
    package init(_ batch: EventBatch, at offsets: [Offset]) {
        precondition(batch.startIndex == 0 && batch.count == offsets.count, "an event has one offset")
        self.batch = batch
        base = offsets.first ?? Offset(milliseconds: 0, counter: 0)
        self.offsets = offsets.indices.allSatisfy { [base] in offsets[$0] == base.advanced(by: $0) } ? [] : offsets
    }

    package init(_ events: some Collection<StreamEvent>) {
        self.init(EventBatch(events.map(\.body)), at: events.map(\.offset))
    }

    private init(_ batch: EventBatch, _ base: Offset, _ offsets: [Offset]) {
        self.batch = batch
        self.base = base
        self.offsets = offsets
    }

    package func offset(at index: Int) -> Offset { offsets.isEmpty ? base.advanced(by: index) : offsets[index] }

    /// The offset of the last event; nil when there is none.
    package var lastOffset: Offset? { isEmpty ? nil : offset(at: endIndex - 1) }

    /// The index of the first event that is later than an offset.
    package func index(after offset: Offset) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if self.offset(at: middle) <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// What the events count against a bound on bytes.
    package var size: Int { batch.size }

    package func size(at index: Int) -> Int { batch.size(at: index) }

    /// The same events; in a buffer of their own if the one they are in holds much else.
    package var withoutWaste: EventRun {
        guard batch.isMostlyUnused else { return self }
        let batch = batch.compacted
        return offsets.isEmpty
            ? EventRun(batch, from: base.advanced(by: startIndex))
            : EventRun(batch, at: Array(offsets[startIndex..<endIndex]))
    }
}

@available(freshet 0.1, *)
extension EventRun: RandomAccessCollection {
    package var startIndex: Int { batch.startIndex }
    package var endIndex: Int { batch.endIndex }

    package subscript(index: Int) -> StreamEvent { StreamEvent(offset: offset(at: index), body: batch[index]) }

    package subscript(bounds: Range<Int>) -> EventRun { EventRun(batch[bounds], base, offsets) }
}

@available(freshet 0.1, *)
extension EventRun: ExpressibleByArrayLiteral {
    package init(arrayLiteral events: StreamEvent...) { self.init(events) }
}

@available(freshet 0.1, *)
extension EventRun: Equatable {
    package static func == (left: Self, right: Self) -> Bool { left.elementsEqual(right) }
}
