import NIOCore
import StreamCore

/// The readers of one stream on one event loop, kept densely so that handing on a batch is one pass.
final class StreamGroup {
    let name: StreamName
    private let eventLoop: any EventLoop
    private let now: () -> NIODeadline
    /// Told after each round how long ago the oldest of what was handed on became visible.
    private let delivered: (TimeAmount) -> Void
    private var readers: [any TailReader] = []
    private var isReady = false
    private var pace = DeliveryPace()
    /// What was committed while the readers rest from the round before: an unbroken chain without an end.
    private var waiting: [CommittedItem] = []
    private var waitingSince = NIODeadline.distantFuture
    /// The last event that was handed on. Whoever is at the tail has it, or is beyond it.
    private var handedOn: Offset?

    init(
        name: StreamName,
        eventLoop: any EventLoop,
        now: @escaping () -> NIODeadline = { .now() },
        delivered: @escaping (TimeAmount) -> Void = { _ in }
    ) {
        self.name = name
        self.eventLoop = eventLoop
        self.now = now
        self.delivered = delivered
    }

    var isEmpty: Bool { readers.isEmpty }

    func count(into metrics: inout DataPlaneMetrics) { for reader in readers { reader.count(into: &metrics) } }

    /// Some of the readers as they stand: behind the first ones, up to a limit.
    func standings(behind first: Int, limit: Int) -> [ReaderStanding] {
        guard first < readers.count else { return [] }
        let now = now()
        return readers[first..<min(readers.count, first + limit)].map { $0.standing(at: now) }
    }

    func add(_ reader: any TailReader) {
        reader.index = readers.count
        readers.append(reader)
        if isReady { reader.ready() }
    }

    /// False when the reader was not here.
    func remove(_ reader: any TailReader) -> Bool {
        let index = reader.index
        guard index < readers.count, readers[index] === reader else { return false }
        let last = readers.removeLast()
        if last !== reader {
            readers[index] = last
            last.index = index
        }
        return true
    }

    /// Items in an unbroken chain were committed. The oldest of them became visible then, or a little later.
    func committed(_ items: [CommittedItem], since: NIODeadline) {
        // The end of a stream waits for nobody.
        let isLast = items[items.count - 1].end != nil
        if let last = waiting.last {
            guard last.last == items[0].previous else {
                flush()
                return deliver(items, since: since)
            }
            waiting += items
            if isLast { flush() }
        } else if !isLast, let moment = pace.wait(at: now()) {
            waiting = items
            waitingSince = since
            let bound = NIOLoopBound(self, eventLoop: eventLoop)
            eventLoop.scheduleTask(deadline: moment) { bound.value.flush() }
        } else {
            deliver(items, since: since)
        }
    }

    /// Anything but commits.
    func signal(_ signal: StreamSignal) {
        if case .trimmed(let floor) = signal, isBehindEveryone(floor) { return }
        flush()
        switch signal {
        case .ready:
            isReady = true
            for reader in readers { reader.ready() }
        case .created: for reader in readers { reader.created() }
        case .trimmed(let floor):
            if isBehindEveryone(floor) { return }
            for reader in readers { reader.trimmed(floor: floor) }
        case .removed(let removal): for reader in readers { reader.removed(removal) }
        case .broken:
            isReady = false
            for reader in readers { reader.broken() }
        case .committed: preconditionFailure("commits come as batches")
        }
    }

    /// Nobody who follows lacks anything up to the floor. A reader that is still reading has been told of what was
    /// handed on meanwhile, and reads again.
    private func isBehindEveryone(_ floor: Offset) -> Bool { handedOn.map { floor <= $0 } ?? false }

    private func flush() {
        guard !waiting.isEmpty else { return }
        let items = waiting
        waiting = []
        deliver(items, since: waitingSince)
    }

    private func deliver(_ items: [CommittedItem], since: NIODeadline) {
        let begin = now()
        let batch = TailBatch(items, at: begin)
        batch.readers = max(1, readers.count)
        for reader in readers { reader.committed(batch) }
        handedOn = items[items.count - 1].last
        let end = now()
        pace.delivered(from: begin, to: end)
        delivered(end - since)
    }
}
