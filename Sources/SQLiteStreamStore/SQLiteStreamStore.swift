import Locks
package import StreamCore

/// The store that keeps streams in a directory, in an SQLite database: the embedded durable default.
///
/// One thread writes, in group commits; readers see what is committed, from memory where it is new and from chunks
/// where it is not. An acknowledgement means that the events are as durable as `Durability` says.
@available(freshet 0.1, *)
package final class SQLiteStreamStore: StreamStore, Outbox {
    private let visible: VisibleStreams
    let shared: WriterShared
    private let readers: [ReaderThread]
    private let isClosed = Mutex(false)

    /// Opens a data directory, which is made where it is missing.
    ///
    /// Throws a `DirectoryError` that says what to do when the directory is damaged, of a newer version, or used by
    /// another server. It reads what is not yet in chunks, which takes a moment: call it before serving.
    package init(
        directory: String,
        configuration: SQLiteStoreConfiguration = SQLiteStoreConfiguration(),
        time: any TimeSource = SystemTime()
    ) throws(DirectoryError) {
        let opened = try OpenedDatabase(directory, configuration)
        let visible = VisibleStreams()
        let checkpointer = Checkpointer()
        let shared = WriterShared(checkpointer: checkpointer, clock: StoreClock(after: opened.head, time: time))
        let writer: Writer
        var readers: [ReaderThread] = []
        do throws(SQLiteError) {
            let file = opened.directory.database
            let copying = try Database(path: file, mode: .readWrite, vfs: configuration.fileLayer)
            copying.leaveFilesOnClose()
            // A reader a thread: a machine's disk serves two at once better than one, and more gain nothing.
            for _ in 0..<2 {
                let database = try Database(path: file, mode: .readOnly, vfs: configuration.fileLayer)
                try database.execute("PRAGMA query_only=ON")
                database.leaveFilesOnClose()
                readers.append(ReaderThread(database, cacheBytes: configuration.cacheBytes))
            }
            // Now that all is open, what is open is what the directory has to keep.
            writer = try Writer(opened, configuration: configuration, time: time, visible: visible, shared: shared)
            checkpointer.start(copying, interval: configuration.checkpointInterval)
        } catch {
            for reader in readers { reader.stop(nil) }
            throw OpenedDatabase.refusal(directory, error)
        }
        visible.state.withLock { state in
            for (name, stream) in writer.streams {
                state.streams[name] = VisibleStream(stream, unsealed: stream.unsealed)
            }
            state.names = OrderedNames(writer.streams.keys)
            state.tombstones = Set(writer.tombstones.keys)
        }
        self.visible = visible
        self.shared = shared
        self.readers = readers
        let slot = Slot(writer)
        WorkerThread.start {
            let closing = slot.take().run()
            for reply in closing { reply?.send(.success(())) }
        }
    }

    deinit {
        guard !isClosed.withLock(\.self) else { return }
        for reader in readers { reader.stop(nil) }
        shared.checkpointer.stop(nil)
        _ = shared.queue.push(.close(nil))
    }

    /// Keeps what was asked so far, and lets go of the directory. What is asked later is refused as unavailable.
    package func close() async {
        let isFirst = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        for reader in readers { _ = await withCheckedContinuation { reader.stop(Reply(continuation: $0)) } }
        _ = await withCheckedContinuation { shared.checkpointer.stop(Reply(continuation: $0)) }
        _ = await withCheckedContinuation { _ = shared.queue.push(.close(Reply(continuation: $0))) }
    }

    package var usage: StoreUsage { counters.usage }

    package var syncTimes: LatencyHistogram { shared.syncTimes.withLock(\.self) }

    package var failure: String? { shared.failure.withLock(\.self) }

    package var counters: StoreCounters { shared.counters.withLock(\.self) }

    package func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
        try await ask { .create(name, request, $0) }
    }

    package func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
        try await ask { .append(name, request, $0) }
    }

    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend {
        guard shared.queue.push(.append(name, request, .function(told))) else {
            return .over(.failure(.unavailable("The store is closed.")))
        }
        return .waiting
    }

    package func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
        try await ask { .setLease(name, seconds: seconds, $0) }
    }

    package func remove(
        _ name: StreamName,
        because removal: Removal,
        born: Offset?
    ) async throws(StoreError) -> Offset? {
        try await ask { .remove(name, removal, born: born, $0) }
    }

    package func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool {
        try visible.look { $0.tombstones.contains(name) }
    }

    package func trimByAge() async throws(StoreError) {
        // Asked a few times a second, for nothing in most servers.
        if shared.agedStreams.withLock({ $0 }) > 0 { try await ask { .trimByAge($0) } }
    }

    package func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
        try await ask { .takeEnded(age: age, bytes: bytes, $0) }
    }

    package func touch(_ name: StreamName) {
        _ = shared.queue.push(.touch(name))
    }

    package func producerOpened(_ name: StreamName) async throws(StoreError) {
        try await ask { .producer(name, opened: true, $0) }
    }

    package func producerClosed(_ name: StreamName) async throws(StoreError) {
        try await ask { .producer(name, opened: false, $0) }
    }

    package func confirm() async throws(StoreError) {
        try await ask { .confirm($0) }
    }

    package func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? {
        try visible.look { $0.streams[name]?.state.info }
    }

    package func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try visible.list(names, after: after, limit: limit) { $0.info }
    }

    package func kept(after: String?, limit: Int) async throws(StoreError) -> [KeptStream] {
        let now = shared.clock.now
        return try visible.list(NameRanges(prefixes: [""]), after: after, limit: limit) { stream in
            let idle = Duration.milliseconds(max(0, now - stream.usedAt))
            return KeptStream(info: stream.info, idle: idle, hadOpenProducer: stream.hasOpenProducer)
        }
    }

    package func read(
        _ name: StreamName,
        from position: ReadPosition,
        limit: PageLimit
    ) async throws(StoreError) -> Page? {
        while true {
            let (planned, floor) = try visible.look { state in
                let stream = state.streams[name]
                return (stream?.plan(position, limit), stream?.state.floor)
            }
            guard let planned, let floor else { return nil }
            guard case .chunks(let read) = planned else {
                if case .page(let page) = planned { return page }
                return nil
            }
            switch try await readers[Int(read.stream) % readers.count].read(read) {
            case .events(let events):
                let page = visible.state.withLock { state in
                    state.streams[name].flatMap { $0.state.number == read.stream ? $0.page(read, events) : nil }
                }
                if let page { return page }
            case .unknown:
                return try await readFromFloor(name, limit)
            case .missing(let chunk):
                // Trimmed or removed meanwhile: begin again. Otherwise it should be there.
                let isExpected = visible.state.withLock { state in
                    state.streams[name].map {
                        $0.state.number == read.stream && $0.state.firstChunk <= chunk && $0.state.floor == floor
                    }
                }
                if isExpected == true { throw ChunkReader.damage(read, "chunk \(chunk) is missing") }
            }
        }
    }

    /// The page for a position this stream never gave.
    private func readFromFloor(_ name: StreamName, _ limit: PageLimit) async throws(StoreError) -> Page? {
        guard let floor = try await info(name)?.floor else { return nil }
        guard var page = try await read(name, from: .after(floor), limit: limit) else { return nil }
        page.standing = .unknown
        return page
    }

    package func watch(_ name: StreamName, _ watcher: any StreamWatcher) {
        visible.state.withLock { state in
            state.watchers[name, default: [:]][ObjectIdentifier(watcher)] = watcher
            watcher.signal(.ready)
        }
        watcher.wake()
    }

    package func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) {
        visible.state.withLock { state in
            state.watchers[name]?[ObjectIdentifier(watcher)] = nil
            if state.watchers[name]?.isEmpty == true { state.watchers[name] = nil }
        }
    }

    func ask<Value: Sendable>(
        _ operation: (Reply<Value>) -> Operation
    ) async throws(StoreError) -> Value {
        try await withCheckedContinuation { continuation in
            let reply = Reply<Value>(continuation: continuation)
            if !shared.queue.push(operation(reply)) { reply.send(.failure(.unavailable("The store is closed."))) }
        }.get()
    }
}

/// Hands the writer to its thread, so that nothing else keeps it alive when it is done.
@available(freshet 0.1, *)
private final class Slot {
    private var writer: Writer?

    init(_ writer: Writer) { self.writer = writer }

    func take() -> Writer {
        defer { writer = nil }
        guard let writer else { preconditionFailure("a store has one writer thread") }
        return writer
    }
}
