import NIOCore
import StreamCore

/// Finds the master by sentinels whenever a connection is to be made, and notices while there is one that another became the
/// master. All connections of a store share it, so that they are not at different masters for longer than it takes to leave.
///
/// A master that was deposed while it was cut off goes on answering. Who is connected to it would read what is old, and wait
/// for replicas that it has lost. So all sentinels are asked once a second: one that knows of a later failover is enough,
/// since the epoch says which of two sentinels knows more, and no majority has to be counted again that they have counted.
///
/// It is used on its event loop only.
@available(freshet 0.1, *)
final class MasterFinder {
    typealias Told = (Result<RedisEndpoint, RedisTrouble>) -> Void

    /// A connection that is up.
    private struct Use {
        var master: RedisEndpoint
        var superseded: (RedisTrouble) -> Void
    }

    private let clients: [SentinelClient]
    private let interval: Duration
    private let loop: any EventLoop
    private var search: MasterSearch
    /// Who waits for what the search comes to that is under way.
    private var searching: [Told] = []
    private var uses: [Int: Use] = [:]
    private var lastUse = 0
    private var next: Scheduled<Void>?

    /// Nil where the URL names the Redis itself.
    init?(_ configuration: RedisConfiguration, on loop: any EventLoop) {
        guard let name = configuration.url.masterName else { return nil }
        let sentinels = configuration.url.endpoints
        clients = sentinels.map { SentinelClient($0, name: name, configuration, on: loop) }
        interval = configuration.sentinelInterval
        search = MasterSearch(name: name, sentinels: sentinels)
        self.loop = loop
    }

    /// Tells where the master is, or why nobody says it: once, unless this is closed before.
    func find(_ told: @escaping Told) {
        searching.append(told)
        if searching.count == 1 { perform(search.begin()) }
    }

    private func perform(_ action: MasterSearch.Action) {
        switch action {
        case .ask(let sentinel): clients[sentinel].ask { self.perform(self.search.received($0)) }
        case .use(let endpoint): found(.success(endpoint))
        case .fail(let trouble): found(.failure(trouble))
        }
    }

    private func found(_ result: Result<RedisEndpoint, RedisTrouble>) {
        let told = searching
        searching = []
        for told in told { told(result) }
    }

    /// The master that was found is none, or cannot be used.
    func passOver(_ master: RedisEndpoint) { search.passOver(master) }

    /// The master that was found is used from now on, until `leave`.
    ///
    /// - Parameter superseded: told, once, when another is the master; not before this returns.
    /// - Returns: A number by which to leave.
    func use(_ master: RedisEndpoint, superseded: @escaping (RedisTrouble) -> Void) -> Int {
        search.confirmed(master)
        lastUse += 1
        uses[lastUse] = Use(master: master, superseded: superseded)
        if uses.count == 1 { scheduleLook() }
        // Others are at the one before, or this one came late to it.
        loop.assumeIsolated().execute {
            if let current = self.search.current { self.supersede(allBut: current) }
        }
        return lastUse
    }

    func leave(_ use: Int) {
        uses[use] = nil
        if uses.isEmpty { next?.cancel() }
    }

    /// Ends it for ever; who waits is not told.
    func close() {
        next?.cancel()
        uses = [:]
        searching = []
        for client in clients { client.close() }
    }

    private func scheduleLook() {
        next?.cancel()
        next = loop.assumeIsolated().scheduleTask(in: TimeAmount(interval)) {
            guard !self.uses.isEmpty else { return }
            self.search.look()
            for sentinel in self.clients.indices {
                self.clients[sentinel].ask { self.heard($0, of: sentinel) }
            }
            self.scheduleLook()
        }
    }

    private func heard(_ result: Result<SentinelAnswer, RedisTrouble>, of sentinel: Int) {
        // What it does not say now it will say when a connection is to be made.
        guard !uses.isEmpty, case .success(let answer) = result else { return }
        let isUsed = uses.values.contains { $0.master == answer.master }
        if let master = search.heard(answer, of: sentinel, isUsed: isUsed) { supersede(allBut: master) }
    }

    private func supersede(allBut master: RedisEndpoint) {
        let trouble = RedisTrouble(.notMaster, "this Redis is not the master any more: a sentinel names \(master)")
        for (number, use) in uses where use.master != master {
            uses[number] = nil
            use.superseded(trouble)
        }
        if uses.isEmpty { next?.cancel() }
    }
}
