import Locks
import NIOPosix
package import StreamCore

/// The store that keeps streams in Redis or Valkey, for as many nodes as there are: any of them takes any request.
///
/// What changes a stream is one function that runs in Redis, and so is in one order for all nodes. A node sends what it is
/// asked over one connection, and hears over another what happens to the streams that somebody follows on it. Kept, visible,
/// told, acknowledged, in this order: an answer to a call of this node is acknowledged only after its own watchers were told
/// of it, by the answer itself. The message of the same that comes over the other connection, before or after, is known by
/// its offsets and told once (`ToldPosition`); what another node did in between, of which the message has not come, leaves a
/// hole in the chain of offsets, and the watchers are told to read again.
///
/// With replicas, what is appended is in Redis before it is durable: it is shown to nobody, acknowledged to nobody and told
/// to nobody before so many replicas have it (`DurableMark`).
@available(freshet 0.1, *)
package final class RedisStreamStore: SharedStreamStore {
    let configuration: RedisStoreConfiguration
    let keys: StreamKeys
    /// What changes something goes this way, in one order.
    let caller: FunctionCaller
    /// What is only read. The same connection, except where one waits for replicas.
    let reader: FunctionCaller
    let subscriber: RedisSubscriber
    /// Asked for all connections; nil where the Redis itself is named.
    private let sentinels: RedisSentinels?
    let watchers: Watchers
    let count: UsageCount
    let activityCount: ActivityCount
    let durable: DurableMark
    let node: NodeSession
    let sweeper: Sweeper
    let outbox: OutboxStanding
    private let isClosed = Mutex(false)
    private let pulse = Mutex<Task<Void, Never>?>(nil)
    let takingEnded = Mutex(EndedScan())
    let uses = Mutex(NotedUses())
    /// Streams that held something unconfirmed when this node last looked.
    let unconfirmed = Mutex<Set<StreamName>>([])

    /// Begins to connect. `start` waits for it.
    package init(configuration: RedisStoreConfiguration) {
        precondition(configuration.flaw == nil, configuration.flaw ?? "")
        self.configuration = configuration
        keys = StreamKeys(prefix: configuration.prefix)
        outbox = OutboxStanding(configuration.outbox)
        // One loop for both: what is heard on the two connections is taken one after the other, and not two threads wait
        // for one lock.
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let sentinels = RedisSentinels(configuration.server, on: loop)
        self.sentinels = sentinels
        let activity = ActivityCount(time: configuration.time)
        activityCount = activity
        let node = NodeSession(time: configuration.time, silence: configuration.silence)
        self.node = node
        let link = RedisLink(
            configuration.server,
            on: loop,
            sentinels: sentinels,
            setup: { try await FunctionCaller.load(over: $0) },
            onUp: { session in
                node.connected(session)
                activity.connected(session)
            },
            onDown: { _ in node.disconnected() }
        )
        caller = FunctionCaller(link, patience: configuration.patience, count: activity)
        if configuration.replicas > 0 {
            let reading = RedisLink(configuration.server, on: loop, sentinels: sentinels)
            reader = FunctionCaller(reading, patience: configuration.patience, count: activity)
        } else {
            reader = caller
        }
        subscriber = RedisSubscriber(
            configuration.server,
            probingThrough: reader.link,
            probeChannel: keys.probe,
            on: loop,
            sentinels: sentinels
        )
        let (watchers, count) = (
            Watchers(subscriber, keys: keys, linger: configuration.linger, time: configuration.time), UsageCount()
        )
        (self.watchers, self.count) = (watchers, count)
        durable = DurableMark(caller, configuration, keys) { name, floor, events, bytes in
            count.add(bytes: -bytes - events * StoreLimits.eventOverhead)
            watchers.tell(name, [.trimmed(floor: floor)])
        }
        let sweeper = Sweeper(time: configuration.time, interval: configuration.sweepInterval)
        self.sweeper = sweeper
    }

    deinit {
        pulse.withLock { $0?.cancel() }
    }

    /// Waits until the store can be reached, and takes part in the cluster from then on.
    ///
    /// Throws what stands in the way when it takes longer than this, or when waiting would not help. Then the store goes on
    /// trying, until it is closed.
    package func start(within time: Duration = .seconds(5)) async throws(RedisTrouble) {
        _ = try await caller.link.up(within: time)
        if reader !== caller { _ = try await reader.link.up(within: time) }
        do {
            try await beat()
        } catch {
            // The pulse tries again.
        }
        begin()
    }

    /// Takes part in the cluster as soon as the store can be reached, and waits for nothing.
    package func begin() {
        guard let interval = configuration.pulse else { return }
        pulse.withLock { pulse in
            guard pulse == nil else { return }
            pulse = Task { [weak self] in
                while !Task.isCancelled {
                    try? await Task.sleep(for: interval)
                    try? await self?.beat()
                }
            }
        }
    }

    /// Lets go of the connections. What is asked later is refused as unavailable.
    package func close() async {
        let isFirst = isClosed.withLock { closed in
            defer { closed = true }
            return !closed
        }
        guard isFirst else { return }
        pulse.withLock { $0?.cancel() }
        await takeReportBack()
        try? await tellUsage()
        watchers.close()
        await subscriber.close()
        await caller.link.close()
        if reader !== caller { await reader.link.close() }
        sentinels?.close()
    }

    /// What is done once a second.
    package func beat() async throws(StoreError) {
        watchers.releaseIdle()
        await askForMemory()
        try await tellUsage()
        try await beatSession()
        await releaseUnreleased()
        try await heal()
        try await beatOutbox()
    }

    var now: UInt64? { configuration.serverClock?() }

    /// The connections, for who says how the store is.
    package var link: RedisLink { caller.link }

    package var usage: StoreUsage { count.usage }

    package func watch(_ name: StreamName, _ watcher: any StreamWatcher) { watchers.watch(name, watcher) }

    package func unwatch(_ name: StreamName, _ watcher: any StreamWatcher) { watchers.unwatch(name, watcher) }

    package func confirm() async throws(StoreError) {
        guard configuration.replicas > 0 else { return }
        try await durable.wait()
    }

    /// Tells Redis what this node changed of what the store holds, and learns what all come to.
    func tellUsage() async throws(StoreError) {
        let unsent = count.take()
        var call = FunctionCall("freshet1_usage", keys: [keys.usage], at: now)
        call.add(unsent.streams)
        call.add(unsent.bytes)
        let reply: Reply
        do throws(StoreError) {
            reply = try await caller.call(call, .writes)
        } catch {
            if case .outcomeUnknown = error { count.mayHaveTold() }
            throw error
        }
        count.told(
            try read { () throws(ReplyDamage) in
                StoreUsage(streams: try reply.integer(0), bytes: try reply.integer(1))
            }
        )
    }

    /// Reads a reply; what does not fit is `damaged`.
    func read<Value>(_ body: () throws(ReplyDamage) -> Value) throws(StoreError) -> Value {
        do throws(ReplyDamage) {
            return try body()
        } catch {
            throw .damagedReply
        }
    }

    /// A call of one of the functions of a stream.
    func function(
        _ name: String,
        of stream: StreamName,
        _ suffixes: [String],
        reading: Bool = false,
        reserving bytes: Int = 256
    ) -> FunctionCall {
        FunctionCall(name, reading: reading, base: keys.base(of: stream), suffixes, at: now, reserving: bytes)
    }

    /// `d` leaves what is kept to be confirmed.
    var mode: String { configuration.replicas > 0 ? "d" : "" }
}
