import StreamCore
import Testing

/// A random life of a few streams, step by step beside a simple model of it: on one node, or on two where the store is
/// shared, each step at either.
///
/// The same seed gives the same life. Every answer is compared with the model's, and every follower must have been
/// shown exactly the log.
@available(freshet 0.1, *)
package final class ModelRun {
    let seed: UInt64
    let harness: any StoreUnderTest
    let time = ManualTime()
    var random: SeededRandom
    /// The node of this step.
    var store: any StreamStore
    var streams: Streams
    private(set) var nodes: [(store: any StreamStore, streams: Streams)]
    let names = ["a", "b/c", "d"].map(StreamName.known)
    var model: [StreamName: ModelStream] = [:]
    var readers: [StreamName: Int] = [:]
    var openProducers: [ModelProducer] = []
    var followers: [(follower: ModelFollower, birth: Offset?, first: Int)] = []
    /// The histories of streams that are gone, for those who followed them.
    var past: [Offset: ModelStream] = [:]
    /// The highest offset of each name, or of all by the name of none where the store orders all.
    private var highest: [StreamName?: Offset] = [:]
    var positions: [Offset] = []
    var written = 0
    var trace: [String] = []

    struct ModelProducer {
        let producer: StreamingProducer
        let name: StreamName
        let label: String?
        let birth: Offset
        /// It was opened to a stream that was open.
        let hasBegun: Bool
        var isSuperseded = false
    }

    package static func run(seed: UInt64, steps: Int, on harness: any StoreUnderTest) async throws {
        let run = try await ModelRun(seed: seed, harness: harness)
        for _ in 0..<steps { try await run.step() }
        try await run.finish()
    }

    private init(seed: UInt64, harness: any StoreUnderTest) async throws {
        self.seed = seed
        self.harness = harness
        self.random = SeededRandom(seed: seed)
        store = try await harness.make(limits: StoreLimits(), time: time)
        streams = Streams(store: store, time: time)
        nodes = [(store, streams)]
        if let other = try await harness.another() { nodes.append((other, Streams(store: other, time: time))) }
    }

    /// The last steps, newest first, for a failure.
    var context: Comment { "seed \(seed): \(trace.suffix(12).reversed().joined(separator: " < "))" }

    private func step() async throws {
        let name = names.randomElement(using: &random)!
        if let node = nodes.randomElement(using: &random) { (store, streams) = node }
        try await step(name)
        // What a node was to note and nobody waits for is noted before the other one does anything.
        if nodes.count > 1 { _ = try await store.info(name) }
    }

    private func step(_ name: StreamName) async throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<12: try await create(name)
        case 12..<36: try await append(name)
        case 36..<39: try await append(name, end: EndRequest(.cancelled))
        case 39..<41: try await remove(name)
        case 41..<56: try await read(name)
        case 56..<64: try await pass()
        case 64..<66 where harness.hasOneClock: break
        case 64..<66: time.stepWall(by: .random(in: -5_000_000...5_000_000, using: &random))
        case 66..<69: try await openProducer(name)
        case 69..<76: try await appendProduced()
        case 76..<79: try await finishProducer()
        case 79..<82: try await renew(name)
        case 82..<87: try await follow(name)
        case 87..<96: try await pump()
        case 96..<99: try await compare(name)
        default: try await restart()
        }
    }

    // MARK: What time does

    /// What is due for a stream before it is used.
    func settle(_ name: StreamName) {
        let now = time.monotonic()
        guard let stream = model[name], !isHeld(name) else { return }
        if readers[name, default: 0] == 0, stream.isExpired(at: now) {
            forget(name)
        } else if stream.isAbandoned(at: now) {
            // The offset is learned from the store.
            model[name]?.end = StreamEnd(reason: .abandoned, detail: nil, offset: stream.birth)
            model[name]?.trim(at: now)
        }
    }

    /// Whether a streaming append holds off what is due.
    func isHeld(_ name: StreamName) -> Bool { openProducers.contains { $0.name == name && holds($0) } }

    /// Of a stream that nodes share only whoever has a claim holds off what is due; otherwise every request that is open.
    func holds(_ one: ModelProducer) -> Bool {
        !streams.isShared || (one.hasBegun && !one.isSuperseded && model[one.name]?.birth == one.birth)
    }

    func forget(_ name: StreamName) {
        guard let stream = model.removeValue(forKey: name) else { return }
        past[stream.birth] = stream
    }

    /// Learns the offset of an end that nobody asked for, and checks it.
    func learnEnd(_ name: StreamName) async throws {
        try await learnEnds([name])
    }

    private func learnEnds(_ names: [StreamName]) async throws {
        var learned: [(name: StreamName, offset: Offset)] = []
        for name in names {
            guard let assumed = model[name]?.end, assumed.offset == model[name]?.birth else { continue }
            let end = try #require(try await store.info(name)?.end, context)
            #expect(end.reason == assumed.reason, context)
            learned.append((name, end.offset))
            model[name]?.end = end
            try await syncFloor(name)
        }
        for (name, offset) in learned.sorted(by: { $0.offset < $1.offset }) { mint(offset, of: name) }
    }

    /// An offset must be higher than every one before it.
    func mint(_ offset: Offset, of name: StreamName) {
        let order = harness.ordersOffsetsByName ? name : nil
        if let highest = highest[order] { #expect(offset > highest, context) }
        highest[order] = max(highest[order] ?? offset, offset)
        positions.append(offset)
    }

    private func pass() async throws {
        time.advance(by: .milliseconds(Int.random(in: 1...15_000, using: &random)))
        // What is due for a stream that nodes share is done when somebody sweeps, and by no use.
        guard Bool.random(using: &random) || streams.isShared else { return trace.append("time") }
        trace.append("sweep")
        try await sweep()
    }

    /// What nobody holds off any more may be due.
    func left() async throws { if streams.isShared { try await sweep() } }

    private func sweep() async throws {
        for node in nodes { try await node.streams.sweep() }
        for name in names { settle(name) }
        try await learnEnds(names)
        for name in names {
            model[name]?.trim(at: time.monotonic())
            try await syncFloor(name)
        }
    }

    /// A store may keep somewhat more than retention asks; how much more is learned from it.
    func syncFloor(_ name: StreamName) async throws {
        guard harness.retentionSlack > 0, let stream = model[name] else { return }
        let info = try #require(try await store.info(name), context)
        #expect((0...harness.retentionSlack).contains(info.events - stream.kept.count), context)
        model[name]?.taken = stream.history.count - info.events
    }

    private func restart() async throws {
        try await sweep()
        guard let again = try await harness.reopen() else { return }
        trace.append("restart")
        store = again
        streams = Streams(store: store, time: time)
        nodes = [(store, streams)]
        try await streams.resume()
        openProducers = []
        followers = []
        readers = [:]
        let now = time.monotonic()
        for name in names {
            model[name]?.touched = now
            model[name]?.leaseStart = now
        }
    }

    private func finish() async throws {
        while !openProducers.isEmpty { try await finishProducer() }
        for name in names { try await compare(name) }
        for entry in followers {
            let follower = entry.follower
            var isDone = false
            while !isDone {
                _ = try await follower.pump(signals: .max, page: PageLimit())
                // Stores may tell a little after they have answered; the test's time limit bounds the wait.
                switch (model[follower.name], follower.position) {
                case (let stream?, .after(let cursor)): isDone = stream.end == nil && cursor == stream.tail
                case (nil, _): isDone = !follower.hasRead
                default: break
                }
                if follower.isOver { isDone = true }
                if !isDone { await Task.yield() }
            }
            try check(entry)
        }
    }
}
