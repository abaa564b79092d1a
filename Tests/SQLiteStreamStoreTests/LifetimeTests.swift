import SQLiteStreamStore
import StoreSuite
import StreamCore
import Testing

@Suite("Lifetimes across a restart", .timeLimit(.minutes(10)))
struct LifetimeTests {
    private let name = StreamName.known("s")
    private let time = ManualTime()
    private let directory = TemporaryDirectory()

    private func open() throws -> (SQLiteStreamStore, Streams) {
        let store = try SQLiteStreamStore(directory: directory.path, time: time)
        return (store, Streams(store: store, time: time))
    }

    /// The process dies and another one opens what it left.
    private func reopen(_ store: SQLiteStreamStore, after seconds: Int) async throws -> (SQLiteStreamStore, Streams) {
        await store.close()
        time.advance(by: .seconds(seconds))
        let (store, streams) = try open()
        try await streams.resume()
        return (store, streams)
    }

    @Test("an open lease starts again in full")
    func lease() async throws {
        var (store, streams) = try open()
        _ = try await streams.create(name, CreateRequest(options: StreamOptions(leaseSeconds: 30)))
        time.advance(by: .seconds(20))
        (store, streams) = try await reopen(store, after: 100)
        #expect(streams.attendance(of: name).leaseRemaining == .seconds(30))
        time.advance(by: .seconds(31))
        try await streams.sweep()
        #expect(try await streams.info(name)?.end?.reason == .abandoned)
        await store.close()
    }

    @Test("a stream whose streaming append died with the process ends, and one whose request was closed does not")
    func deadProducer() async throws {
        var (store, streams) = try open()
        let closed = StreamName.known("closed")
        let never = StreamName.known("never")
        for name in [name, closed, never] {
            _ = try await streams.create(name, CreateRequest(options: StreamOptions()))
        }
        let producer = try await streams.openProducer(name, label: nil) { _ in }
        #expect(producer != nil)
        let first = try await streams.openProducer(closed, label: nil) { _ in }
        let second = try await streams.openProducer(closed, label: nil) { _ in }
        await first?.finish(isTorn: false)
        await second?.finish(isTorn: false)
        (store, streams) = try await reopen(store, after: 1)
        #expect(streams.isProducing(name))
        // Died again before the lease ran out: it is not forgotten.
        (store, streams) = try await reopen(store, after: 1)
        time.advance(by: .seconds(61))
        try await streams.sweep()
        #expect(try await streams.info(name)?.end?.reason == .abandoned)
        #expect(try await streams.info(closed)?.end == nil)
        #expect(try await streams.info(never)?.end == nil)
        await store.close()
    }

    @Test("a time to live goes on where it was, to an eighth of it")
    func timeToLive() async throws {
        var (store, streams) = try open()
        let options = StreamOptions(expiry: .idle(seconds: 80))
        _ = try await streams.create(name, CreateRequest(options: options))
        time.advance(by: .seconds(50))
        _ = try await streams.read(name, from: .start)
        time.advance(by: .seconds(5))
        _ = try await streams.read(name, from: .start)
        (store, streams) = try await reopen(store, after: 30)
        let left = try #require(streams.attendance(of: name).expiresIn)
        #expect((.seconds(40) ... .seconds(50)).contains(left))
        time.advance(by: .seconds(51))
        #expect(try await streams.info(name) == nil)
        await store.close()
    }

    @Test("a stream that a reader held does not expire with the restart")
    func heldByReader() async throws {
        var (store, streams) = try open()
        let options = StreamOptions(expiry: .idle(seconds: 80))
        _ = try await streams.create(name, CreateRequest(options: options))
        streams.attachReader(name)
        for _ in 0..<100 {
            time.advance(by: .seconds(5))
            try await streams.sweep()
        }
        (store, streams) = try await reopen(store, after: 20)
        try await streams.sweep()
        #expect(try await streams.info(name) != nil)
        await store.close()
    }
}
