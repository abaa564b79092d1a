import Locks
package import Logging
import PrintableText
package import StreamCore

/// The keys behind a URL, as they were when it last answered.
///
/// They are fetched at the start, when the answer's `Cache-Control` says that they are stale, and when a token names a
/// key that is not among them. An issuer that does not answer, or with what is no key set, keeps the keys that it had; one
/// that answers with a set without keys has none any more. Its state is behind a mutex.
@available(freshet 0.1, *)
package final class RemoteKeys: Sendable {
    /// How long between two fetches for keys that are not known, and between two after a failure.
    static let pause = Duration.seconds(30)

    /// Gets the key set, and in how many seconds it is stale.
    package typealias Fetch = @Sendable () async throws -> (body: [UInt8], maximumAge: Int?)

    private struct State {
        var keys: [TokenKey] = []
        /// Counts the times that the keys became others.
        var generation = 0
        var body: [UInt8] = []
        /// When they are to be fetched again, on the monotonic clock.
        var due: Duration?
        var askedForUnknown: Duration?
        var running: Task<Void, Never>?
        var fetched = 0
        var failed = 0
        var told: String?
    }

    private let state = Mutex(State())
    private let url: String
    private let fetch: Fetch
    private let time: any TimeSource
    private let logger: Logger

    package init(url: String, time: any TimeSource, logger: Logger, fetch: @escaping Fetch) {
        self.url = url
        self.time = time
        self.logger = logger
        self.fetch = fetch
    }

    /// How often the keys became others. Where they are due, a fetch begins: what rests on those of before, such as a
    /// token that was found right, is asked for them too.
    var generation: Int { current.generation }

    /// How often they were fetched, and how often that failed.
    var counts: (fetched: Int, failed: Int) { state.withLock { ($0.fetched, $0.failed) } }

    /// The keys as they are. Where they are due, a fetch begins, for which nobody waits.
    var keys: [TokenKey] { current.keys }

    private var current: (keys: [TokenKey], generation: Int) {
        let now = time.monotonic()
        return state.withLock { state in
            if let due = state.due, due <= now { begin(&state) }
            return (state.keys, state.generation)
        }
    }

    /// Whether there was an answer, so that there are no other keys than these.
    var isFetched: Bool { state.withLock { $0.generation > 0 } }

    /// Whether there is none. Unlike `keys`, it begins no fetch.
    var isEmpty: Bool { state.withLock(\.keys.isEmpty) }

    /// A fetch for a key that is not known: one that goes on already, or a new one; nil while none is due.
    func refreshForUnknown() -> Task<Void, Never>? {
        let now = time.monotonic()
        return state.withLock { state in
            if let running = state.running { return running }
            if let asked = state.askedForUnknown, now - asked < Self.pause { return nil }
            state.askedForUnknown = now
            return begin(&state)
        }
    }

    /// The first fetch. It returns when that is over, one way or the other.
    package func start() async { await state.withLock { begin(&$0) }.value }

    @discardableResult private func begin(_ state: inout State) -> Task<Void, Never> {
        if let running = state.running { return running }
        let task = Task { await refresh() }
        state.running = task
        return task
    }

    private func refresh() async {
        do {
            let (body, maximumAge) = try await fetch()
            let set = try KeySet(body, place: url, takesSecrets: false, mayBeEmpty: true)
            took(set, body, maximumAge: maximumAge)
        } catch {
            failed("\(error)")
        }
    }

    private func took(_ set: KeySet, _ body: [UInt8], maximumAge: Int?) {
        // Five minutes where nothing is said; a minute at least, and a day at most.
        let age = Duration.seconds(min(max(maximumAge ?? 300, 60), 86_400))
        let now = time.monotonic()
        let isNew = state.withLock { state in
            state.running = nil
            state.fetched += 1
            state.due = now + age
            state.told = nil
            guard state.body != body else { return false }
            state.keys = set.keys
            state.body = body
            state.generation += 1
            return true
        }
        guard isNew else { return }
        for reason in set.skipped {
            logger.warning("A key of an issuer: \(PrintableText.escaped(reason)).", metadata: metadata)
        }
        guard !set.keys.isEmpty else {
            return logger.warning(
                "An issuer has taken its keys back: its tokens are refused until it publishes others.",
                metadata: metadata
            )
        }
        logger.notice(
            "The keys of an issuer were read.",
            metadata: metadata.merging(["keys": "\(set.keys.count)"]) { $1 }
        )
    }

    private func failed(_ reason: String) {
        let now = time.monotonic()
        let (isNew, hasNone) = state.withLock { state in
            state.running = nil
            state.failed += 1
            state.due = now + Self.pause
            // What lasts is said once.
            defer { state.told = reason }
            return (state.told != reason, state.keys.isEmpty)
        }
        guard isNew else { return }
        logger.error(
            hasNone
                ? "There are no keys of an issuer: its tokens are refused."
                : "The keys of an issuer stay as they were.",
            metadata: metadata.merging(["error": "\(PrintableText.escaped(reason))"]) { $1 }
        )
    }

    private var metadata: Logger.Metadata { ["url": "\(PrintableText.escaped(url))"] }
}
