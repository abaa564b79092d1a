import CSQLite
import DequeModule
import Locks
import StreamCore

/// The one that changes the database: takes what waits, decides it, commits it in one transaction, and only then
/// tells readers, watchers and those who asked. Belongs to a thread of its own.
@available(freshet 0.1, *)
final class Writer {
    let configuration: SQLiteStoreConfiguration
    let time: any TimeSource
    let clock: StoreClock
    let directory: DataDirectory
    let database: Database
    let statements: WriterStatements
    let visible: VisibleStreams
    let shared: WriterShared
    let logSize: LogSize
    let standing: DirectoryStanding

    var mark: OffsetMark
    var issuer: OffsetIssuer
    var head: HeadRow
    var streams: [StreamName: WriterStream]
    /// Streams that are gone and have forks.
    var tombstones: [StreamName: WriterStream]
    /// How many forks there are of a stream; none is not listed.
    var forks: [StreamName: Int] = [:]
    /// What all streams count against the bound on bytes.
    var bytes: Int
    var window: GroupWindow
    var outbox: WriterOutbox
    /// The hot rows there are, and how many streams still need each.
    var hotRows: Deque<HotUse>
    var hotBytes: Int
    var sealReady: Deque<WriterStream> = []
    var sealByAge: Deque<AgingStream> = []
    var garbage: Deque<WriterStream> = []
    /// Streams whose row must be written for what trimming did.
    var unwritten: [Int64: WriterStream] = [:]
    var aged: [Int64: WriterStream] = [:]
    /// Why nothing can be kept any more.
    var failure: StoreError?
    /// Upkeep failed and rests until then, on the machine's own clock; or only its sealing does.
    var upkeepRestsUntil: Duration = .zero
    var sealingRestsUntil: Duration = .zero
    /// When the directory is looked at next, also if nobody asks for anything.
    var lookAt: Duration = .zero
    /// There is little more on the disk than its reserve: what is free goes back to it at once.
    var isShortOfRoom = false
    /// Pages were freed that may be given back, and when that is looked at next.
    var mayShrink = true
    var vacuumAt: Duration = .zero

    /// A stream whose events wait to be sealed, and since when: an entry is void when the stream's own time differs.
    struct AgingStream {
        var stream: WriterStream
        var since: Int64
    }

    struct HotUse {
        var id: Int64
        var uses: Int
        var bytes: Int
    }

    init(
        _ opened: OpenedDatabase,
        configuration: SQLiteStoreConfiguration,
        time: any TimeSource,
        visible: VisibleStreams,
        shared: WriterShared
    ) throws(SQLiteError) {
        self.configuration = configuration
        self.time = time
        self.clock = shared.clock
        self.visible = visible
        self.shared = shared
        directory = opened.directory
        standing = opened.directory.standing()
        database = opened.database
        statements = try WriterStatements(opened.database)
        logSize = LogSize(opened.database)
        mark = opened.mark
        issuer = opened.issuer
        head = opened.head
        streams = opened.recovered.streams
        tombstones = opened.recovered.tombstones
        hotRows = opened.recovered.hotRows
        hotBytes = hotRows.reduce(0) { $0 + $1.bytes }
        garbage = Deque(opened.recovered.garbage)
        bytes = streams.values.reduce(0) { $0 + $1.cost }
        window = GroupWindow(longest: configuration.longestWindow)
        outbox = WriterOutbox(opened.recovered.outbox)
        for stream in Array(streams.values) + Array(tombstones.values) {
            if let source = stream.row.forkedFrom?.source { forks[source, default: 0] += 1 }
        }
        for stream in streams.values {
            if stream.row.options.retention.seconds != nil { aged[stream.row.number] = stream }
            if stream.row.lowestChunk < stream.row.firstChunk { addGarbage(stream) }
            queueToSeal(stream)
            if stream.row.options.retention != .everything { _ = trim(stream) }
        }
        shared.agedStreams.withLock { [count = aged.count] in $0 = count }
        shared.counters.withLock { [count = streams.count, bytes] in
            $0.usage = StoreUsage(streams: count, bytes: bytes)
        }
        shared.outboxUsage.withLock { [usage = outbox.usage] in $0 = usage }
    }

    /// Works until it is told to close. Returns who is to be told once the writer, and with it the lock of its
    /// directory, is gone.
    func run() -> [Reply<Void>?] {
        while true {
            if window.wait > .zero { Self.pause(window.wait) }
            let operations = shared.queue.takeAll(waiting: min(restingTime, untilNextLook))
            if operations.isEmpty { window.idled() }
            lookWhenDue()
            if let closing = perform(operations) {
                for operation in shared.queue.close() { refuse(operation, .unavailable("The store is closed.")) }
                finish()
                return closing
            }
        }
    }

    /// Does everything that waits; the replies to give after closing when it was asked to.
    private func perform(_ operations: [Operation]) -> [Reply<Void>?]? {
        var closing: [Reply<Void>?]?
        var batch = newBatch()
        for operation in operations {
            if case .close(let reply) = operation {
                closing = (closing ?? []) + [reply]
            } else if closing != nil || failure != nil {
                refuse(operation, failure ?? .unavailable("The store is closed."))
            } else if case .create(_, let request, _) = operation, request.fork != nil {
                // Alone: it is decided by what is committed, and a long copy that fails fails nobody else.
                commit(batch)
                batch = newBatch()
                guard failure == nil else {
                    refuse(operation, failure ?? .unavailable("The store is closed."))
                    continue
                }
                stage(operation, &batch)
                commit(batch)
                batch = newBatch()
            } else {
                stage(operation, &batch)
            }
        }
        commit(batch)
        return closing
    }

    func newBatch() -> Batch {
        Batch(now: clock.now, streams: streams.count, bytes: bytes, nextStream: head.nextStream, room: measureRoom())
    }

    /// How long to wait when nothing is asked: until the next upkeep.
    private var restingTime: Duration {
        guard failure == nil else { return .seconds(3600) }
        let now = SystemTime().monotonic()
        if upkeepRestsUntil > now { return upkeepRestsUntil - now }
        if sealingRestsUntil > now { return hasDeletions || mayShrink ? .milliseconds(20) : sealingRestsUntil - now }
        if sealReady.count >= configuration.chunksPerCommit || isHotOverBound { return .milliseconds(1) }
        // Upkeep rides with what is asked while there is any; alone it gives way to what may come next.
        if hasUpkeep || mayShrink { return .milliseconds(20) }
        // The store's clock may be a test's, which moves by itself: look again now and then.
        return untilNextSeal.map { .milliseconds(min(max($0, 1), 1000)) } ?? .seconds(3600)
    }

    private func finish() {
        // The clock as it is now: what passed since the last commit passed on the monotonic clock.
        if failure == nil {
            head.clock = clock.now
            head.wall = time.wallMilliseconds()
            statements.putHead.bind(1, HeadRow.key)
            statements.putHead.bind(2, head.encoded)
            try? statements.putHead.run()
        }
        _ = try? database.checkpoint(SQLITE_CHECKPOINT_TRUNCATE)
    }

    private func refuse(_ operation: Operation, _ error: StoreError) {
        switch operation {
        case .create(_, _, let reply): reply.send(.failure(error))
        case .append(_, _, let reply): reply.send(.failure(error))
        case .setLease(_, _, let reply): reply.send(.failure(error))
        case .producer(_, _, let reply): reply.send(.failure(error))
        case .remove(_, _, _, let reply): reply.send(.failure(error))
        case .trimByAge(let reply): reply.send(.failure(error))
        case .takeEnded(_, _, let reply): reply.send(.failure(error))
        case .changeOutbox(_, _, let reply): reply.send(.failure(error))
        case .outboxEntries(_, _, let reply): reply.send(.failure(error))
        case .outboxContent(_, let reply): reply.send(.failure(error))
        case .confirm(let reply): reply.send(.failure(error))
        case .touch, .close: break
        }
    }

    /// The first of a number of offsets that follow each other.
    func mint(_ count: Int = 1) -> Offset { issuer.next(count, wallMilliseconds: time.wallMilliseconds()) }
}
