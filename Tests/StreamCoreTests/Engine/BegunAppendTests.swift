import Locks
import StoreSuite
import StreamCore
import Testing

@Suite("An append that is begun without a task", .timeLimit(.minutes(10)))
struct BegunAppendTests {
    private let name = StreamName.known("s")

    /// A store that answers an append when the test says so, and all else at once.
    private final class LateStore: StreamStore {
        typealias Answer = @Sendable () -> Void

        let base: MemoryStreamStore
        private let answers = Mutex<[Answer]>([])

        init(_ base: MemoryStreamStore) { self.base = base }

        /// Answers everything that was asked.
        func answer() {
            let answers = answers.withLock { answers in
                defer { answers = [] }
                return answers
            }
            for answer in answers { answer() }
        }

        func beginAppend(
            _ name: StreamName,
            _ request: AppendRequest,
            told: @escaping @Sendable (Result<AppendOutcome, StoreError>) -> Void
        ) -> BegunAppend {
            let begun = base.beginAppend(name, request) { _ in }
            guard case .over(let result) = begun else { return begun }
            answers.withLock { $0.append { told(result) } }
            return .waiting
        }

        var usage: StoreUsage { base.usage }

        func create(_ name: StreamName, _ request: CreateRequest) async throws(StoreError) -> CreateOutcome {
            try await base.create(name, request)
        }

        func append(_ name: StreamName, _ request: AppendRequest) async throws(StoreError) -> AppendOutcome {
            try await base.append(name, request)
        }

        func read(_ name: StreamName, from position: ReadPosition, limit: PageLimit) async throws(StoreError) -> Page? {
            try await base.read(name, from: position, limit: limit)
        }

        func info(_ name: StreamName) async throws(StoreError) -> StreamInfo? { try await base.info(name) }

        func setLease(_ name: StreamName, seconds: Int) async throws(StoreError) -> Bool {
            try await base.setLease(name, seconds: seconds)
        }

        func remove(_ name: StreamName, because removal: Removal, born: Offset?) async throws(StoreError) -> Offset? {
            try await base.remove(name, because: removal, born: born)
        }

        func isSoftDeleted(_ name: StreamName) async throws(StoreError) -> Bool { try await base.isSoftDeleted(name) }

        func list(_ names: NameRanges, after: String?, limit: Int) async throws(StoreError) -> [StreamInfo] {
            try await base.list(names, after: after, limit: limit)
        }

        func trimByAge() async throws(StoreError) { try await base.trimByAge() }

        func takeEnded(olderThan age: Duration, toFit bytes: Int) async throws(StoreError) {
            try await base.takeEnded(olderThan: age, toFit: bytes)
        }

        func watch(_ name: StreamName, _ watcher: any StreamWatcher) { base.watch(name, watcher) }

        func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) { base.unwatch(name, watcher) }
    }

    /// A stream with a lease of ten seconds, of which nine have passed.
    private struct Scene {
        let time = ManualTime()
        let store: LateStore
        let streams: Streams
        let request = AppendRequest(events: [EventBody("x")])

        init(_ name: StreamName) async throws {
            store = LateStore(MemoryStreamStore(time: time))
            streams = Streams(store: store, time: time)
            let options = StreamOptions(leaseSeconds: 10)
            guard case .created = try await streams.create(name, CreateRequest(options: options)) else {
                throw UnexpectedOutcome("\(name) was there")
            }
            time.advance(by: .seconds(9))
        }

        func pass(_ seconds: Int, _ name: StreamName) async throws -> StreamEnd? {
            time.advance(by: .seconds(seconds))
            try await streams.sweep()
            return try await store.info(name)?.end
        }
    }

    @Test("holds the lease off until the store has answered, which restarts it, and is counted like any other")
    func lease() async throws {
        let scene = try await Scene(name)
        let told = Mutex<[Result<AppendOutcome, StoreError>]>([])
        let begun = scene.streams.beginAppend(name, scene.request, resume: { $0() }) { result in
            told.withLock { $0.append(result) }
        }
        guard case .waiting = begun else { throw UnexpectedOutcome("\(begun)") }
        #expect(try await scene.pass(2, name) == nil)
        #expect(scene.streams.metrics.appends == 0)
        scene.store.answer()
        let results = told.withLock(\.self)
        guard results.count == 1, case .success(.appended) = results[0] else { throw UnexpectedOutcome("\(results)") }
        #expect(scene.streams.metrics.appends == 1 && scene.streams.metrics.appendTimes.count == 1)
        #expect(try await scene.pass(9, name) == nil)
        #expect(try await scene.pass(1, name)?.reason == .abandoned)
    }

    @Test("is counted out where nobody is there any more to be told")
    func nobody() async throws {
        let scene = try await Scene(name)
        // What is to be done later is never done: the event loop is shut down.
        let begun = scene.streams.beginAppend(name, scene.request, resume: { _ in }) { _ in
            Issue.record("told, with nobody there")
        }
        guard case .waiting = begun else { throw UnexpectedOutcome("\(begun)") }
        scene.store.answer()
        #expect(scene.streams.metrics.appends == 1)
        #expect(try await scene.pass(9, name) == nil)
        #expect(try await scene.pass(1, name)?.reason == .abandoned)
    }

    @Test("is over at once in a store that need not wait")
    func atOnce() async throws {
        let time = ManualTime()
        let streams = Streams(store: MemoryStreamStore(time: time), time: time)
        func begin(_ request: AppendRequest) -> BegunAppend {
            streams.beginAppend(
                name,
                request,
                resume: { _ in Issue.record("later") },
                told: { _ in Issue.record("told") }
            )
        }
        let request = AppendRequest(events: [EventBody("x")])
        guard case .over(.success(.notFound)) = begin(request) else { throw UnexpectedOutcome("found") }
        _ = try await streams.create(name, CreateRequest(options: StreamOptions()))
        guard case .over(.success(.appended)) = begin(request) else { throw UnexpectedOutcome("not appended") }
        guard case .over(.success(.appended(_, .some, _))) = begin(AppendRequest(end: EndRequest(.done))) else {
            throw UnexpectedOutcome("not ended")
        }
        guard case .over(.success(.ended)) = begin(request) else { throw UnexpectedOutcome("open") }
        #expect(streams.metrics.appends == 1 && streams.metrics.ends == [.done: 1])
    }

    @Test("is not begun where something is due for the stream, or somebody is counted for it: those take a task")
    func notBegun() async throws {
        let scene = try await Scene(name)
        scene.time.advance(by: .seconds(1))
        func begin(_ streams: Streams) -> BegunAppend {
            streams.beginAppend(name, scene.request, resume: { $0() }, told: { _ in Issue.record("told") })
        }
        guard case .notBegun = begin(scene.streams) else { throw UnexpectedOutcome("begun over a lease") }
        guard case .ended(let end, _, _) = try await scene.streams.append(name, scene.request) else {
            throw UnexpectedOutcome("the lease did not end")
        }
        #expect(end.reason == .abandoned)
        let counted = Streams(
            store: scene.store,
            configuration: StreamsConfiguration(bytesPerOwner: 100),
            time: scene.time
        )
        guard case .notBegun = begin(counted) else { throw UnexpectedOutcome("begun uncounted") }
        // A store that knows no other way than a task is asked so, and nothing of this one stays.
        let node = Node()
        try await node.create(name, lease: 10)
        guard case .notBegun = begin(node.streams) else { throw UnexpectedOutcome("begun") }
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }
}
