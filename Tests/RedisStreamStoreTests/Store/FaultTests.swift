import Foundation
import Locks
import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

/// What a Redis that goes away, or refuses, means for those who use the store.
@Suite("The Redis store when Redis fails", .timeLimit(.minutes(10)))
struct FaultTests {
    private let name = StreamName.known("a/stream")

    /// A node that finds out soon that Redis is away.
    private func store(_ redis: RedisProcess, replicas: Int = 0) async throws -> RedisStreamStore {
        var server = RedisConfiguration(try redis.url)
        server.silenceTimeout = .milliseconds(500)
        server.pingInterval = .milliseconds(100)
        server.longestBackOff = .milliseconds(100)
        var configuration = RedisStoreConfiguration(server)
        configuration.replicas = replicas
        configuration.pulse = nil
        let store = RedisStreamStore(configuration: configuration)
        try await store.start(within: .seconds(60))
        return store
    }

    /// Appends until it is told to stop, each event once: what is not known to be kept is asked for again.
    private func produce(_ id: String, to store: RedisStreamStore, until isOver: Flag) async throws -> [String] {
        var acknowledged: [String] = []
        var sequence: UInt64 = 0
        while !isOver.isSet, !Task.isCancelled {
            let text = "\(id).\(sequence)"
            let stamp = ProducerStamp(id: id, epoch: 0, sequence: sequence)
            do {
                switch try await store.append(name, AppendRequest(events: [EventBody(text)], producer: stamp)) {
                case .appended, .duplicate:
                    acknowledged.append(text)
                    sequence += 1
                case let outcome: throw UnexpectedOutcome("\(outcome)")
                }
            } catch let error as StoreError {
                switch error {
                case .unavailable, .outcomeUnknown: await Task.yield()
                default: throw error
                }
            }
        }
        return acknowledged
    }

    final class Flag: Sendable {
        private let state = Mutex(false)
        var isSet: Bool { state.withLock(\.self) }
        func set() { state.withLock { $0 = true } }
    }

    /// Producers and a follower while something is done to Redis: what was acknowledged is there, once and in order, and the
    /// follower was shown all of it.
    private func endure(
        _ redis: RedisProcess,
        _ fault: @escaping @Sendable (RedisStreamStore, _ progress: (Int) async -> Void) async throws -> Void
    ) async throws {
        let store = try await store(redis)
        let birth = try await store.put(name).birth
        let streams = Streams(store: store)
        let isOver = Flag()
        var acknowledged: [String: [String]] = [:]
        var shown: [StreamEvent] = []
        try await withThrowingTaskGroup(of: Part.self) { [name] group in
            for id in ["p", "q", "r", "s"] {
                group.addTask { .produced(id, try await produce(id, to: store, until: isOver)) }
            }
            group.addTask { .followed(await follow(name, at: streams, from: birth)) }
            group.addTask {
                try await fault(store) { count in
                    // Until so many more events are kept.
                    let before = (try? await store.info(name)?.events) ?? 0
                    while ((try? await store.info(name)?.events) ?? 0) < before + count, !Task.isCancelled {
                        await Task.yield()
                    }
                }
                isOver.set()
                return .over
            }
            var left = 5
            for try await part in group {
                switch part {
                case .produced(let id, let own): acknowledged[id] = own
                case .followed(let events): shown = events
                case .over: break
                }
                left -= 1
                // Nobody produces any more: who follows sees it.
                if left == 0 { await end(store) }
            }
        }
        var log: [StreamEvent] = []
        while true {
            let page = try await store.page(name, from: log.last.map { .after($0.offset) } ?? .start)
            log += page.events
            if page.isAtTail { break }
        }
        #expect(shown == log)
        #expect(zip(log, log.dropFirst()).allSatisfy { $0.offset < $1.offset })
        for (id, own) in acknowledged {
            let kept = log.map(\.text).filter { $0.hasPrefix("\(id).") }
            // The last one may be kept and not be known to be.
            #expect(!own.isEmpty && kept.starts(with: own) && kept.count - own.count <= 1)
            #expect(kept == (0..<kept.count).map { "\(id).\($0)" })
        }
        await store.close()
    }

    private enum Part: Sendable {
        case produced(String, [String])
        case followed([StreamEvent])
        case over
    }

    /// What somebody is shown who follows, whatever happens meanwhile.
    private func follow(_ name: StreamName, at streams: Streams, from birth: Offset) async -> [StreamEvent] {
        let follower = ModelFollower(name: name, at: streams, from: .after(birth))
        streams.follow(name, follower.inbox)
        while !follower.isOver, !Task.isCancelled {
            do {
                _ = try await follower.pump(signals: .max, page: PageLimit())
            } catch {
                // Away: it tries again.
                #expect(error is StoreError)
            }
            await Task.yield()
        }
        streams.unfollow(name, follower.inbox)
        return follower.shown.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    private func end(_ store: RedisStreamStore) async {
        while (try? await store.append(name, AppendRequest(end: EndRequest(.done)))) == nil { await Task.yield() }
    }

    @Test("that is stopped for longer than anybody waits, and goes on: what was acknowledged is there, once")
    func stopped() async throws {
        let redis = try await RedisProcess.start()
        try await endure(redis) { store, progress in
            for _ in 0..<3 {
                await progress(200)
                redis.signal(SIGSTOP)
                while store.link.session != nil, !Task.isCancelled { await Task.yield() }
                redis.signal(SIGCONT)
            }
            await progress(200)
        }
    }

    @Test("that is killed and started again with its file: what was acknowledged is there, once")
    func killed() async throws {
        // With `everysec` it answers before it writes to the file while the disk is busy.
        let redis = try await RedisProcess.start(["--appendonly", "yes", "--appendfsync", "always"])
        let processes = Mutex([redis])
        try await endure(redis) { _, progress in
            for _ in 0..<3 {
                await progress(200)
                let last = processes.withLock { $0[$0.count - 1] }
                await last.end()
                let again = try await last.restarted()
                processes.withLock { $0.append(again) }
            }
            await progress(200)
        }
    }

    @Test("whose functions were taken away gets them again")
    func functionsFlushed() async throws {
        let redis = try await RedisProcess.start()
        let store = try await store(redis)
        _ = try await store.put(name)
        for round in 0..<3 {
            _ = try await store.caller.send([RedisCommand(["FUNCTION", "FLUSH"])], .writes)
            try await withThrowingTaskGroup { group in
                for task in 0..<8 { group.addTask { [name] in try await store.add(name, "\(round).\(task)") } }
                try await group.waitForAll()
            }
            _ = try await store.caller.send([RedisCommand(["FUNCTION", "FLUSH"])], .writes)
            guard case .appended = try await store.begin(name, AppendRequest(events: [EventBody("x")])) else {
                throw UnexpectedOutcome("not appended")
            }
        }
        #expect(try await store.info(name)?.events == 27)
        await store.close()
    }

    @Test("that has no memory left is a full store, which still ends and removes streams")
    func outOfMemory() async throws {
        let redis = try await RedisProcess.start(["--maxmemory-policy", "noeviction"])
        let store = try await store(redis)
        _ = try await store.put(name)
        try await store.add(name, "a")
        _ = try await store.caller.send([RedisCommand(["CONFIG", "SET", "maxmemory", "1"])], .writes)
        await #expect(throws: StoreError.full(.bytes)) { try await store.add(name, "b") }
        await #expect(throws: StoreError.full(.bytes)) { _ = try await store.put(.known("other")) }
        #expect(try await store.texts(name) == ["a"])
        try await store.add(name, end: EndRequest(.failed))
        #expect(try await store.info(name)?.end?.reason == .failed)
        #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
        await store.close()
    }

    @Test("that is no master any more is unavailable, and is used again when it is one")
    func replica() async throws {
        let redis = try await RedisProcess.start()
        let store = try await store(redis)
        _ = try await store.put(name)
        try await store.add(name, "a")
        _ = try await store.caller.send([RedisCommand(["REPLICAOF", "127.0.0.1", "1"])], .writes)
        do {
            try await store.add(name, "b")
            Issue.record("a replica took it")
        } catch StoreError.unavailable {
        }
        try ask(redis, "REPLICAOF", "NO", "ONE")
        _ = try await store.link.up(within: .seconds(60))
        try await store.add(name, "b")
        #expect(try await store.texts(name) == ["a", "b"])
        await store.close()
    }

    /// Asks the server itself, whatever it is.
    private func ask(_ redis: RedisProcess, _ words: String...) throws {
        let client = Process()
        client.executableURL = URL(fileURLWithPath: "/usr/bin/redis-cli")
        client.arguments = ["-p", "\(redis.port)"] + words
        client.standardOutput = FileHandle.nullDevice
        try client.run()
        client.waitUntilExit()
    }

    @Test("whose subscriptions are cut tells watchers to read again, and again when they are back")
    func subscriptionsCut() async throws {
        let redis = try await RedisProcess.start()
        let store = try await store(redis)
        _ = try await store.put(name)
        let watcher = WatchRecorder()
        store.watch(name, watcher)
        await watcher.wait { $0.count == 1 }
        _ = try await store.caller.send([RedisCommand(["CLIENT", "KILL", "TYPE", "pubsub"])], .writes)
        await watcher.wait { $0.words.suffix(2) == ["broken", "ready"] }
        try await store.add(name, "a")
        #expect(watcher.signals.words == ["ready", "broken", "ready", "committed"])
        await store.close()
    }
}
