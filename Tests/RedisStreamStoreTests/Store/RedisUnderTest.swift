import Locks
import StoreSuite
import StreamCore

@testable import RedisStreamStore

/// A Redis that many checks share.
actor SharedRedis {
    static let plain = SharedRedis()

    private var process: Task<RedisProcess, any Error>?

    func get() async throws -> RedisProcess {
        let task = process ?? Task { try await RedisProcess.start() }
        process = task
        return try await task.value
    }
}

/// The store on a Redis, with a prefix of its own, for the suite that every store passes.
final class RedisUnderTest: StoreUnderTest {
    private struct State {
        var prefix = ""
        var nodes: [RedisStreamStore] = []
        var limits = StoreLimits()
        var time = ManualTime()
        var outbox = OutboxRules.none
    }

    let retentionSlack: Int
    let ordersOffsetsByName = true
    let hasOneClock = true
    private let state = Mutex(State())
    private let redis: @Sendable () async throws -> RedisProcess
    private let reopens: Bool
    private let restart: (@Sendable () async throws -> Void)?
    private let adjust: @Sendable (inout RedisStoreConfiguration) -> Void

    /// - Parameters:
    ///   - runEvents: how many events a run may have: retention takes whole runs.
    ///   - redis: the server.
    ///   - reopens: whether nodes that were closed may be followed by others. A lease that began before a node came is due
    ///     for it only later than for those that were there, which no model says.
    ///   - restart: what is done to the server while no node is there.
    init(
        runEvents: Int = 64,
        redis: @escaping @Sendable () async throws -> RedisProcess = { try await SharedRedis.plain.get() },
        reopens: Bool = true,
        restart: (@Sendable () async throws -> Void)? = nil,
        adjust: @escaping @Sendable (inout RedisStoreConfiguration) -> Void = { _ in }
    ) {
        retentionSlack = runEvents - 1
        self.redis = redis
        self.reopens = reopens
        self.restart = restart
        self.adjust = { configuration in
            configuration.runs.events = runEvents
            adjust(&configuration)
        }
    }

    deinit { end() }

    /// The nodes go; until then somebody must hold this.
    func end() {
        let nodes = state.withLock { state in
            defer { state.nodes = [] }
            return state.nodes
        }
        Task { for node in nodes { await node.close() } }
    }

    func make(limits: StoreLimits, time: ManualTime, outbox: OutboxRules) async throws -> any StreamStore {
        state.withLock { state in
            state.prefix = "t\(UInt64.random(in: .min ... .max)):"
            state.limits = limits
            state.time = time
            state.outbox = outbox
        }
        return try await node()
    }

    func reopen() async throws -> (any StreamStore)? {
        guard reopens else { return nil }
        let nodes = state.withLock { state in
            defer { state.nodes = [] }
            return state.nodes
        }
        for node in nodes { await node.close() }
        try await restart?()
        return try await node()
    }

    func another() async throws -> (any SharedStreamStore)? { try await node() }

    func beat(_ node: any SharedStreamStore) async throws {
        guard let node = node as? RedisStreamStore else { preconditionFailure("it is another store's") }
        try await node.beat()
    }

    func bury(_ node: any SharedStreamStore) async throws {
        guard let dead = node as? RedisStreamStore else { preconditionFailure("it is another store's") }
        let (others, time) = state.withLock { state in (state.nodes.filter { $0 !== dead }, state.time) }
        // It was heard of, and is silent from then on.
        for other in others { try await other.beat() }
        time.advance(by: .seconds(6))
        for other in others { try await other.beat() }
    }

    /// One more node on the same Redis.
    func node(_ more: (inout RedisStoreConfiguration) -> Void = { _ in }) async throws -> RedisStreamStore {
        let (prefix, limits, time, outbox) = state.withLock { ($0.prefix, $0.limits, $0.time, $0.outbox) }
        var configuration = RedisStoreConfiguration(Patience.patient(try await redis().url))
        configuration.prefix = prefix
        configuration.limits = limits
        configuration.outbox = outbox
        configuration.time = time
        // The clock of a server, which no test steps.
        configuration.serverClock = { 1_799_999_000_000 + UInt64(time.monotonic() / .milliseconds(1)) }
        configuration.pulse = nil
        configuration.sweepInterval = .zero
        configuration.patience = .seconds(60)
        configuration.settling = .zero
        configuration.linger = .zero
        configuration.useGrain = 0
        adjust(&configuration)
        more(&configuration)
        let store = RedisStreamStore(configuration: configuration)
        try await store.start(within: .seconds(60))
        state.withLock { $0.nodes.append(store) }
        return store
    }
}

enum Patience {
    /// Bounds that a busy machine does not reach.
    static func patient(_ url: RedisURL) -> RedisConfiguration {
        var configuration = RedisConfiguration(url)
        configuration.connectTimeout = .seconds(30)
        configuration.handshakeTimeout = .seconds(30)
        configuration.setupTimeout = .seconds(60)
        configuration.replyTimeout = .seconds(60)
        configuration.silenceTimeout = .seconds(60)
        configuration.longestBackOff = .milliseconds(200)
        return configuration
    }
}
