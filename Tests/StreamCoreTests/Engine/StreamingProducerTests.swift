import Dispatch
import Locks
import StoreSuite
import StreamCore
import Testing

@Suite("A streaming append", .timeLimit(.minutes(10)))
struct StreamingProducerTests {
    let node = Node()
    let name = StreamName.known("s")

    /// What a streaming append was told.
    final class Stops: Sendable {
        private let stops = Mutex<[ProducerStop]>([])
        var all: [ProducerStop] { stops.withLock { $0 } }
        func add(_ stop: ProducerStop) { stops.withLock { $0.append(stop) } }
    }

    private func open(_ label: String? = nil, _ stops: Stops = Stops()) async throws -> StreamingProducer {
        try #require(try await node.streams.openProducer(name, label: label) { stops.add($0) })
    }

    @Test("to a stream that is not there is refused and leaves nothing open")
    func missing() async throws {
        #expect(try await node.streams.openProducer(name, label: "p") { _ in } == nil)
        #expect(node.streams.attendance(of: name).openProducers == 0 && node.store.watches == 0)
    }

    @Test("that is not wanted opens nothing, takes nobody's right and is no sign of life")
    func unwanted() async throws {
        try await node.create(name, lease: 10)
        let older = try await open("p")
        var seen: StreamInfo?
        let refused = try await node.streams.openProducer(name, label: "p", lease: 1000) { info in
            seen = info
            return false
        } onStop: { _ in
        }
        #expect(refused == nil && seen?.name == name)
        #expect(node.streams.attendance(of: name).openProducers == 1 && older.stop == nil)
        await older.finish(isTorn: false)
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.streams.openProducer(name, label: nil, mayOpen: { _ in false }, onStop: { _ in }) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("may set the lease that runs when it is over; that of an ended stream it leaves alone")
    func lease() async throws {
        try await node.create(name)
        let producer = try #require(try await node.streams.openProducer(name, label: nil, lease: 5) { _ in })
        await producer.finish(isTorn: false)
        #expect(try await node.store.info(name)?.options.leaseSeconds == 5)
        #expect(try await node.pass(4, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
        let late = try #require(try await node.streams.openProducer(name, label: nil, lease: 7) { _ in })
        #expect(late.stop != nil && node.streams.attendance(of: name).leaseRemaining == nil)
        #expect(try await node.store.info(name)?.options.leaseSeconds == 5)
        await late.finish(isTorn: false)
    }

    @Test("learns of the end once, whoever ended the stream, and can still ask what became of it")
    func learnsOfTheEnd() async throws {
        try await node.create(name)
        let stops = Stops()
        let producer = try await open(nil, stops)
        guard case .appended(_, let end?, _) = try await node.cancel(name) else { throw UnexpectedOutcome("open") }
        #expect(stops.all == [.ended(end)] && producer.stop == .ended(end))
        guard case .ended(end, _, _) = try await producer.append([EventBody("late")]) else {
            throw UnexpectedOutcome("appended after the end")
        }
        _ = try await node.streams.remove(name)
        #expect(stops.all.count == 1)
        await producer.finish(isTorn: true)
        #expect(node.streams.attendance(of: name).openProducers == 0 && node.store.watches == 0)
    }

    @Test("to a stream that has ended is told so at once")
    func endedBefore() async throws {
        try await node.create(name)
        _ = try await node.cancel(name)
        let stops = Stops()
        let producer = try await open(nil, stops)
        #expect(stops.all == [producer.stop].compactMap(\.self) && stops.all.count == 1)
        await producer.finish(isTorn: false)
    }

    @Test("of a deleted stream appends nothing to the one made anew under its name, ended before or not")
    func deleted() async throws {
        for isEnded in [false, true] {
            try await node.create(name)
            let stops = Stops()
            let producer = try await open(nil, stops)
            if isEnded { _ = try await node.cancel(name) }
            #expect(try await node.streams.remove(name))
            if !isEnded { #expect(stops.all == [.removed(.deleted)]) }
            try await node.create(name)
            #expect(try await producer.append([EventBody("stray")]) == nil)
            #expect(try await node.streams.info(name)?.events == 0)
            await producer.finish(isTorn: true)
            #expect(try await node.pass(1000, name) == nil)
            #expect(try await node.streams.remove(name))
        }
    }

    @Test("of a stream that is made anew while its append is on its way appends nothing to that one")
    func deletedMeanwhile() async throws {
        try await node.create(name)
        let producer = try await open()
        let gate = node.store.hold(.append)
        async let outcome = producer.append([EventBody("stray")], end: EndRequest(.done))
        await gate.reached()
        #expect(try await node.streams.remove(name))
        let anew = try await node.create(name)
        gate.open()
        #expect(try await outcome == .notFound && producer.stop == .removed(.deleted))
        #expect(try await node.streams.info(name) == anew)
        await producer.finish(isTorn: false)
    }

    @Test("knows of an end when whoever ended the stream is told, whatever it is doing", arguments: [true, false])
    func endedMeanwhile(isKept: Bool) async throws {
        try await node.create(name)
        let producer = try await open()
        let gate = isKept ? node.store.holdResponse(.append) : node.store.hold(.append)
        async let outcome = producer.append([EventBody("1")])
        await gate.reached()
        guard case .appended(_, let end?, _) = try await node.cancel(name) else { throw UnexpectedOutcome("open") }
        #expect(producer.stop == .ended(end))
        gate.open()
        switch try await outcome {
        case .appended where isKept: break
        case .ended(end, _, _) where !isKept: break
        case let other: Issue.record("\(String(describing: other))")
        }
        #expect(try await node.store.base.texts(name) == (isKept ? ["1"] : []))
        await producer.finish(isTorn: false)
    }

    @Test("asks for the end when its body is over, where another's watch that it shares has yet to begin")
    func endedBeforeTheWatchBegins() async throws {
        try await node.create(name)
        let (entered, enter) = AsyncStream<Void>.makeStream()
        let mayBegin = DispatchSemaphore(value: 0)
        defer { mayBegin.signal() }
        node.store.beforeWatch {
            enter.finish()
            mayBegin.wait()
        }
        let streams = node.streams
        let name = name
        let follower = WatchRecorder()
        DispatchQueue(label: "a follower").async { streams.follow(name, follower) }
        for await _ in entered {}
        let producer = try await open()
        guard case .appended(_, let end?, _) = try await node.cancel(name) else { throw UnexpectedOutcome("open") }
        #expect(producer.stop == nil, "nobody could tell it yet")
        try await producer.confirm()
        #expect(producer.stop == .ended(end))
        await producer.finish(isTorn: false)
    }

    @Test("may finish and leave from within what tells it to stop")
    func finishesWhenTold() async throws {
        try await node.create(name)
        let follower = WatchRecorder()
        let streams = node.streams
        let name = name
        let producer = try #require(
            try await streams.openProducer(name, label: nil) { _ in
                // Under the store's lock or the hub's this would never return.
                streams.follow(name, follower)
                streams.unfollow(name, follower)
            }
        )
        _ = try await node.cancel(name)
        #expect(follower.signals.words == ["ready"])
        await producer.finish(isTorn: false)
    }

    @Test("that names itself takes over: the older one can append no more, and other names can")
    func takesOver() async throws {
        try await node.create(name)
        let stops = Stops()
        let older = try await open("p", stops)
        let stranger = try await open("q")
        let nameless = try await open()
        _ = try await older.append([EventBody("1")])
        let newer = try await open("p")
        #expect(stops.all == [.superseded] && older.stop == .superseded)
        #expect(try await older.append([EventBody("lost")]) == nil)
        for producer in [newer, stranger, nameless] { #expect(try await producer.append([EventBody("2")]) != nil) }
        // That the older one is torn says nothing about the newer.
        await older.finish(isTorn: true)
        for producer in [newer, stranger, nameless] { await producer.finish(isTorn: false) }
        #expect(try await node.pass(1000, name) == nil)
        #expect(try await node.store.base.texts(name) == ["1", "2", "2", "2"])
    }

    @Test("that takes over waits until the older one's append on its way is decided")
    func waitsForTheAppendOnItsWay() async throws {
        try await node.create(name)
        let older = try await open("p")
        let gate = node.store.hold(.append)
        async let outcome = older.append([EventBody("1")])
        await gate.reached()
        let opened = Mutex(false)
        async let newer = {
            let producer = try await open("p")
            opened.withLock { $0 = true }
            return producer
        }()
        while older.stop == nil { await Task.yield() }
        #expect(!opened.withLock { $0 })
        gate.open()
        guard case .appended = try await outcome else { throw UnexpectedOutcome("not appended") }
        _ = try await newer.append([EventBody("2")])
        #expect(try await node.store.base.texts(name) == ["1", "2"])
    }

    @Test("that takes over third waits for the first one, too")
    func waitsForAllOlder() async throws {
        try await node.create(name)
        let first = try await open("p")
        let gate = node.store.hold(.append)
        async let outcome = first.append([EventBody("1")])
        await gate.reached()
        async let second = open("p")
        while first.stop == nil { await Task.yield() }
        async let third = {
            let producer = try await open("p")
            return (producer, try await producer.append([EventBody("3")]))
        }()
        gate.open()
        _ = try await outcome
        _ = try await second.append([EventBody("2")])
        _ = try await third
        #expect(try await node.store.base.texts(name).first == "1")
        #expect(try await node.store.base.texts(name).last == "3")
    }

    @Test("finishes only after its append on its way is decided")
    func finishWaits() async throws {
        try await node.create(name)
        let producer = try await open("p")
        let gate = node.store.hold(.append)
        async let outcome = producer.append([EventBody("1")])
        await gate.reached()
        async let finished: Void = producer.finish(isTorn: true)
        gate.open()
        _ = try await outcome
        await finished
        #expect(try await node.store.base.texts(name) == ["1"])
        #expect(node.streams.attendance(of: name).openProducers == 0)
    }

    @available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *)
    @Test("and a cancel are ordered by the store: what was acknowledged stands before the end")
    func cancelAgainstAppends() async throws {
        for round in 0..<50 {
            let name = StreamName.known("s-\(round)")
            try await node.create(name)
            let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
            // On a thread of its own: the producer below never gives way.
            let cancelled = Task(executorPreference: OwnThread()) {
                let outcome = try await node.cancel(name)
                return (outcome, producer.stop)
            }
            var count = 0
            while case .appended = try await producer.append([EventBody("\(count)")]) { count += 1 }
            guard case (.appended(_, let end?, _), let known) = try await cancelled.value else {
                throw UnexpectedOutcome("open")
            }
            #expect(known == .ended(end))
            let page = try await node.store.base.page(name, limit: PageLimit(events: .max, bytes: .max))
            #expect(page.texts == (0..<count).map(String.init) && page.end == end && page.end?.reason == .cancelled)
            await producer.finish(isTorn: false)
        }
        #expect(node.store.watches == 0)
    }
}

/// Runs a task beside those of the pool, however busy that is.
@available(macOS 15, iOS 18, tvOS 18, watchOS 11, visionOS 2, *)
private final class OwnThread: TaskExecutor {
    private let queue = DispatchQueue(label: "a thread of its own")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
