import Locks

/// Appends without a task that waits for them.
@available(freshet 0.1, *)
extension Streams {
    /// Begins what `append` does, without a task that waits for it: where nothing is due for the stream before, and
    /// nobody is counted for what it brings. Makes no room in a store that is full: `append` does.
    ///
    /// A task that never waits took 8 % of an append to the memory store (measured). One that waits for a store of the
    /// disk goes on where the runtime likes, and from there to the event loop that it is for: two wake-ups for one.
    ///
    /// - Parameters:
    ///   - resume: runs on the caller's thread what is to be done when the store has answered later.
    ///   - told: what it came to, where it is not over when this returns; called once, in `resume`.
    package func beginAppend(
        _ name: StreamName,
        _ request: AppendRequest,
        resume: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void,
        told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
    ) -> BegunAppend {
        guard owned == nil || request.events.isEmpty else { return .notBegun }
        let began = time.monotonic()
        guard lifetimes.updateUnlessDue(name, at: began, { $0.appending += 1 }) == .nothing else { return .notBegun }
        let begun = store.beginAppend(name, request) { [self] result in
            let answered = AnsweredAppend(of: self, name, request, result, since: began)
            resume { told(answered.counted()) }
        }
        switch begun {
        case .over(let result): appended(name, request, result, since: began)
        case .waiting: break
        case .notBegun: lifetimes.updateIfPresent(name, at: began) { lifetime, _ in lifetime.appending -= 1 }
        }
        return begun
    }
}

/// An append that the store has answered, and that is not counted out yet. It is when this is let go of, at the latest: an
/// event loop that is shut down runs nothing any more, and the streams may go on without it.
@available(freshet 0.1, *)
private final class AnsweredAppend: Sendable {
    private let streams: Streams
    private let name: StreamName
    private let request: AppendRequest
    private let result: Result<AppendOutcome, StoreError>
    private let began: Duration
    private let isCounted = Mutex(false)

    init(
        of streams: Streams,
        _ name: StreamName,
        _ request: AppendRequest,
        _ result: Result<AppendOutcome, StoreError>,
        since began: Duration
    ) {
        self.streams = streams
        self.name = name
        self.request = request
        self.result = result
        self.began = began
    }

    deinit { count() }

    /// What it came to; counted out by now.
    func counted() -> Result<AppendOutcome, StoreError> {
        count()
        return result
    }

    private func count() {
        let isFirst = isCounted.withLock { isCounted in
            defer { isCounted = true }
            return !isCounted
        }
        if isFirst { streams.appended(name, request, result, since: began) }
    }
}
