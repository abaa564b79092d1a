/// What keeps the log.
///
/// A store returns from `append` only when the events are kept as durably as it was configured to keep them, and tells
/// its watchers only after that: nothing is visible to any reader before an acknowledgement could promise it. The
/// events of one request, the end, and the producer's state become visible together.
///
/// Kept, visible, told, acknowledged, in this order: whatever was acknowledged is in every read that begins later, and
/// every watcher has been told of it. So what a watcher has noted by now is never behind an acknowledgement.
@available(freshet 0.1, *)
package protocol StreamStore: Sendable {
    /// Creates a stream, with its first events and its end if the request has them, in one step.
    ///
    /// A fork begins with the events of its source up to a point: with their offsets, and what it gets of an event
    /// that is cut with an offset of its own. From then on both are independent.
    func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome

    /// Appends, ends and cancels: whatever changes a stream's log is ordered here.
    func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome

    /// Begins the same without a task that waits for it, where the store can.
    ///
    /// - Parameter told: what it came to, where it is not over when this returns. Called once, on any thread, possibly
    ///   before this returns; the store waits meanwhile, so that it must do no more than note it.
    func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend

    /// What is strictly later than a position, up to a limit; nil when there is no such stream.
    func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page?

    func info(_ name: StreamName) async throws(StoreError) -> StreamInfo?

    /// Changes how long the producer may be silent. False when there is no such stream or it has ended.
    func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool

    /// Takes the stream away and tells its watchers why; with a birth only the stream that was born there, so that
    /// one made anew under the name is spared. Returns the birth of what was taken; nil when there was no such stream.
    ///
    /// While a stream has forks its name is kept: it is soft-deleted until the last of them is gone.
    func remove(_ name: StreamName, because removal: Removal, born: Offset?) async throws(StoreError) -> Offset?

    /// Whether a stream of that name was taken away and has forks: all else behaves as if there were none, except that
    /// none can be made.
    func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool

    /// Streams of some names in their order (by UTF-8 bytes), strictly after a name; fewer than the limit only where
    /// no more follow. What is not among the names costs nothing.
    func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo]

    /// Takes what retention by age says is too old, of every stream, and tells the watchers.
    func trimByAge() async throws(StoreError)

    /// Takes streams that ended longer ago than an age, oldest end first, until there is room for some bytes and one
    /// stream; none when all of them would not make enough. Called when the store is full and nothing expired is left.
    func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError)

    /// What it holds now, as its limits count it.
    var usage: StoreUsage { get }

    /// How long its transactions took to be written and, where that is configured, synced; none where it writes none.
    var syncTimes: LatencyHistogram { get }

    /// Why it keeps nothing any more until the server is started again; nil while it does.
    var failure: String? { get }

    /// Streams as the store found them, in the order of their names, strictly after one: for whoever takes up their
    /// leases and lifetimes.
    func kept(after: String?, limit: Int) async throws(StoreError) -> [KeptStream]

    /// The stream is being used: what is left of its time to live after a restart counts from here. Kept at the
    /// store's leisure, and never an error.
    func touch(_ name: StreamName)

    /// A streaming append to the stream was opened, or one that was is closed. While one is open the store remembers it
    /// beyond the process, so that a producer that dies with the process leaves no stream open for ever.
    func producerOpened(_ name: StreamName) async throws(StoreError)
    func producerClosed(_ name: StreamName) async throws(StoreError)

    /// Returns when what was acknowledged so far is where it will be found again: for who acknowledges it once more.
    func confirm() async throws(StoreError)

    /// Tells the watcher, from now on, what happens to the stream, whether it exists yet or not. The watcher is first
    /// told `ready`, once the store would miss nothing.
    func watch(_ name: StreamName, _ watcher: any StreamWatcher)

    func unwatch(_ name: StreamName, _ watcher: any StreamWatcher)
}

/// How far an append came that was begun without a task.
@available(freshet 0.1, *)
package enum BegunAppend: Sendable {
    case over(Result<AppendOutcome, StoreError>)
    /// It is told when it is over.
    case waiting
    /// Nothing was done: this needs a task, and `append`.
    case notBegun
}

@available(freshet 0.1, *)
extension StreamStore {
    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend { .notBegun }

    package func list(prefix: String, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
        try await list(NameRanges(prefixes: [prefix]), after: after, limit: limit)
    }
}

/// What holds for a store that keeps nothing beyond the process.
@available(freshet 0.1, *)
extension StreamStore {
    package func kept(after: String?, limit: Int) async throws(StoreError) -> [KeptStream] {
        try await list(prefix: "", after: after, limit: limit)
            .map { KeptStream(info: $0, idle: .zero, hadOpenProducer: false) }
    }

    package var failure: String? { nil }
    package var syncTimes: LatencyHistogram { LatencyHistogram() }
    package func touch(_ name: StreamName) {}
    package func producerOpened(_ name: StreamName) async throws(StoreError) {}
    package func producerClosed(_ name: StreamName) async throws(StoreError) {}
    package func confirm() async throws(StoreError) {}
}

/// What a store tells those who follow a stream.
///
/// `signal` is called in the order of commits, possibly under the store's lock: it must only note the signal.
/// `wake` follows, outside of any lock, when there is something to act on.
@available(freshet 0.1, *)
package protocol StreamWatcher: AnyObject, Sendable {
    func signal(_ signal: StreamSignal)
    func wake()
}

/// One thing that happened to a stream.
@available(freshet 0.1, *)
package enum StreamSignal: Sendable {
    /// The store follows the stream: whatever happens after this is told.
    case ready
    case created
    case committed(CommittedItem)
    /// Retention took everything up to this offset.
    case trimmed(floor: Offset)
    case removed(Removal)
    /// A claim stands no longer, although nobody gave it back: another took its label, or its node was found dead.
    case superseded(StreamClaim)
    /// The store lost track. Read again after the next `ready`.
    case broken
}

/// What one append made visible.
@available(freshet 0.1, *)
package final class CommittedItem: Sendable {
    /// The offset of the event before, or the birth: an item may be delivered only to who has just read up to here.
    package let previous: Offset
    package let events: EventRun
    package let end: StreamEnd?
    /// Forms of the item, each encoded once and shared by all who deliver it.
    package let encodings = EncodingCache()

    /// The offset of the last event; `previous` when the item is only an end.
    package var last: Offset { events.lastOffset ?? previous }

    package init(previous: Offset, events: EventRun, end: StreamEnd?) {
        self.previous = previous
        self.events = events
        self.end = end
    }
}
