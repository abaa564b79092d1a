import NIOCore
import StreamCore

/// The readers of one stream on one event loop, kept densely so that handing on a batch is one pass.
///
/// Where readers hold their own bytes, one pass over all of them may take more memory than there is before anybody can
/// give way. Such a batch is kept, and handed to them in turns.
@available(freshet 0.1, *)
final class StreamGroup {
    /// A batch that some of the readers still have to be handed.
    private struct Turns {
        var batch: TailBatch
        var readers: ArraySlice<any TailReader>
        var begin: NIODeadline
        var since: NIODeadline
    }

    /// Readers are handed a batch until it is so many bytes; then it is somebody else's turn.
    private static let turnBytes = 1024 * 1024

    let name: StreamName
    private let eventLoop: any EventLoop
    private let largeBytes: Int
    private let inTurn: (@escaping () -> Void) -> Void
    private let now: () -> NIODeadline
    /// Told after each round how long ago the oldest of what was handed on became visible.
    private let delivered: (TimeAmount) -> Void
    private var readers: [any TailReader] = []
    private var isReady = false
    private var pace = DeliveryPace()
    /// What was committed while the readers rest from the round before, or have their turns: an unbroken chain, and
    /// without an end where they rest.
    private var waiting: [CommittedItem] = []
    private var waitingSince = NIODeadline.distantFuture
    /// What of that is kept for the turns to end.
    private var waitingBytes = 0
    private var turns: Turns?
    /// The last event that was handed on. Whoever is at the tail has it, or is beyond it, or will have it in its turn.
    private var handedOn: Offset?

    /// - Parameters:
    ///   - largeBytes: What a batch may take of memory for all readers together that hold their own bytes. Above that
    ///     it is handed on in turns.
    ///   - inTurn: Calls once, when others had theirs, and on the loop.
    init(
        name: StreamName,
        eventLoop: any EventLoop,
        largeBytes: Int = .max,
        inTurn: @escaping (@escaping () -> Void) -> Void = { $0() },
        now: @escaping () -> NIODeadline = { .now() },
        delivered: @escaping (TimeAmount) -> Void = { _ in }
    ) {
        self.name = name
        self.eventLoop = eventLoop
        self.largeBytes = largeBytes
        self.inTurn = inTurn
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
        if turns != nil { return committedMeanwhile(items, since: since) }
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
        switch signal {
        case .ready, .created: break
        // Whoever waits for its turn is told, and reads again from where it is.
        default: dropTurns()
        }
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
        case .superseded: preconditionFailure("what only producers care about is kept from readers")
        }
    }

    /// Nobody who follows lacks anything up to the floor. A reader that is still reading has been told of what was
    /// handed on meanwhile, and reads again.
    private func isBehindEveryone(_ floor: Offset) -> Bool {
        let last = turns == nil ? handedOn : waiting.last?.last ?? handedOn
        return last.map { floor <= $0 } ?? false
    }

    private func flush() {
        guard !waiting.isEmpty, turns == nil else { return }
        let items = waiting
        waiting = []
        waitingBytes = 0
        deliver(items, since: waitingSince)
    }

    private func deliver(_ items: [CommittedItem], since: NIODeadline) {
        let begin = now()
        let batch = TailBatch(items, at: begin)
        batch.readers = max(1, readers.count)
        handedOn = items[items.count - 1].last
        if exceeds(batch.size, readers.count) {
            let alone = readers.filter(\.holdsItsOwnBytes)
            if exceeds(batch.size, alone.count) {
                for reader in readers where !reader.holdsItsOwnBytes { reader.committed(batch) }
                turns = Turns(batch: batch, readers: alone[...], begin: begin, since: since)
                return takeTurn()
            }
        }
        for reader in readers { reader.committed(batch) }
        noteRound(from: begin, since: since)
    }

    private func exceeds(_ bytes: Int, _ readers: Int) -> Bool { bytes > 0 && readers > largeBytes / bytes }

    private func noteRound(from begin: NIODeadline, since: NIODeadline) {
        let end = now()
        pace.delivered(from: begin, to: end)
        delivered(end - since)
    }

    // MARK: Turns

    private func takeTurn() { inTurn { [weak self] in self?.handOn() } }

    /// Hands the batch to the next readers. One that has left, or reads the log, makes nothing of it.
    private func handOn() {
        guard let batch = turns?.batch else { return }
        var handed = 0
        while handed < Self.turnBytes, let reader = turns?.readers.popFirst() {
            reader.committed(batch)
            handed += batch.size
        }
        guard let turns, turns.readers.isEmpty else { return takeTurn() }
        self.turns = nil
        noteRound(from: turns.begin, since: turns.since)
        flush()
    }

    /// What comes while the batch before has its turns waits for them. Of more than is held for all readers together,
    /// only the last is kept: they see that it does not follow what they have, and read the log.
    private func committedMeanwhile(_ items: [CommittedItem], since: NIODeadline) {
        let bytes = items.reduce(0) { $0 + $1.size }
        guard (waiting.last?.last ?? handedOn) == items[0].previous else {
            dropTurns()
            return deliver(items, since: since)
        }
        if waitingBytes + bytes > largeBytes { (waiting, waitingBytes) = ([], 0) }
        if waiting.isEmpty { waitingSince = since }
        waiting += items
        waitingBytes += bytes
    }

    /// Those who were not handed the batch are about to be told something that makes them read the log.
    private func dropTurns() {
        guard turns != nil else { return }
        turns = nil
        (waiting, waitingBytes) = ([], 0)
    }
}
