import StoreSuite
import Testing

@testable import StreamCore

@Suite("What two nodes that share a store leave to it", .timeLimit(.minutes(10)))
struct SharedLifetimeTests {
    let nodes = SharedNodes()
    let name = StreamName.known("s")
    var one: SharedNodes.Node { nodes.one }
    var two: SharedNodes.Node { nodes.two }

    private func end(_ name: StreamName) async throws -> StreamEnd? { try await one.store.info(name)?.end }

    // MARK: Leases

    @Test("no node ends a stream by what it knows alone")
    func renewedElsewhere() async throws {
        try await one.create(name, lease: 10)
        try await nodes.pass(9)
        _ = try await two.streams.append(name, AppendRequest(events: [EventBody("a")]))
        try await nodes.pass(9)
        #expect(try await two.streams.renewLease(name, seconds: 20)?.birth == one.store.info(name)?.birth)
        try await nodes.pass(19)
        // Also not on its use.
        _ = try await one.streams.info(name)
        #expect(try await end(name) == nil)
        try await nodes.pass(1)
        #expect(try await end(name)?.detail == "The producer was silent for 20 s.")
        #expect(try await one.streams.renewLease(name, seconds: 20)?.end != nil)
        #expect(try await one.streams.renewLease(.known("none"), seconds: 20) == nil)
    }

    @Test("a streaming append at one node holds the lease off at all, and leaves it with its end")
    func heldOff() async throws {
        try await one.create(name, lease: 5)
        let (producer, _) = try await one.open(name)
        try await nodes.pass(50)
        #expect(try await end(name) == nil)
        await producer.finish(isTorn: false)
        try await nodes.pass(4)
        #expect(try await end(name) == nil)
        try await nodes.pass(1)
        #expect(try await end(name)?.reason == .abandoned)
        // Torn, and without a lease.
        let torn = StreamName.known("t")
        let (other, _) = try await two.open(torn, creating: true)
        await other.finish(isTorn: true)
        #expect(try await one.store.info(torn)?.options.leaseSeconds == 60)
        try await nodes.pass(60)
        #expect(try await end(torn)?.reason == .abandoned)
        // One that had ended before leaves nothing behind.
        let (late, _) = try await two.open(torn)
        await late.finish(isTorn: true)
        #expect(try await one.store.holdings(of: [torn]) == [StreamHolding()])
    }

    @Test("a node that starts takes up nothing, and ends nothing that another is at")
    func started() async throws {
        try await one.create(name)
        let (producer, stops) = try await one.open(name)
        let third = Streams(store: nodes.memory.node(), time: nodes.time)
        try await third.resume()
        try await nodes.pass(100)
        try await third.sweep()
        #expect(try await producer.append([EventBody("a")])?.isKept == true && stops.all.isEmpty)
        #expect(try await third.info(name)?.options.leaseSeconds == nil)
    }

    @Test("what a dead node was at is torn, and when it goes on it is told so and may begin anew")
    func dead() async throws {
        try await one.create(name)
        let (producer, stops) = try await one.open(name, "p")
        try await nodes.memory.bury(one.store)
        #expect(stops.all == [.superseded])
        #expect(try await producer.append([EventBody("lost")]) == nil)
        await producer.finish(isTorn: true)
        #expect(try await two.store.info(name)?.options.leaseSeconds == 60)
        try await nodes.pass(59)
        let (next, _) = try await one.open(name, "p")
        try await nodes.pass(100)
        #expect(try await next.append([EventBody("a")])?.isKept == true)
        #expect(try await end(name) == nil)
    }

    @Test("what cannot be given back while the store is away is given back when it is there")
    func releasedLater() async throws {
        try await one.create(name, lease: 5)
        let (producer, _) = try await one.open(name)
        one.store.goAway()
        await producer.finish(isTorn: false)
        nodes.time.advance(by: .seconds(50))
        try await two.streams.sweep()
        #expect(try await two.store.info(name)?.end == nil)
        await one.store.comeBack()
        try await nodes.pass(5)
        #expect(try await end(name)?.reason == .abandoned)
    }

    // MARK: Times to live

    @Test("a stream does not expire while a node has readers, whichever made it, and counts from when they left")
    func readers() async throws {
        try await one.create(name, expiry: .idle(seconds: 40))
        two.streams.attachReader(name)
        try await lookedUp(two, name)
        try await nodes.pass(200)
        #expect(try await one.store.info(name) != nil)
        two.streams.detachReader(name)
        try await nodes.pass(39)
        #expect(try await one.store.info(name) != nil)
        try await nodes.pass(1)
        #expect(try await one.store.info(name) == nil)
    }

    @Test("a streaming append that has lost its right, or never had one, keeps no stream from expiring")
    func producersWithoutClaim() async throws {
        try await one.create(name, expiry: .idle(seconds: 40))
        let (older, _) = try await one.open(name, "p")
        let (newer, _) = try await two.open(name, "p")
        await newer.finish(isTorn: false)
        try await nodes.pass(39)
        #expect(try await one.store.info(name) != nil && older.stop == .superseded)
        try await nodes.pass(1)
        #expect(try await one.store.info(name) == nil)
        let ended = StreamName.known("t")
        try await one.create(ended, expiry: .idle(seconds: 40))
        _ = try await two.cancel(ended)
        let (late, _) = try await one.open(ended)
        try await nodes.pass(40)
        #expect(try await one.store.info(ended) == nil && late.stop != nil)
    }

    @Test("nor one that expires at a moment, and then when its readers have left")
    func readersBeyondTheMoment() async throws {
        let moment = nodes.time.wallMilliseconds() + 100_000
        try await one.create(name, expiry: .at(wallMilliseconds: moment))
        try await nodes.pass(99)
        // Told at once, however late it comes.
        two.streams.attachReader(name)
        try await lookedUp(two, name)
        try await nodes.pass(300)
        #expect(try await one.store.info(name) != nil)
        two.streams.detachReader(name)
        try await nodes.pass(31)
        #expect(try await one.store.info(name) == nil)
    }

    @Test("a reader that waits for a stream which another node then makes is counted as one of its readers")
    func waiting() async throws {
        let follower = WatchRecorder()
        two.streams.attachReader(name)
        two.streams.follow(name, follower)
        try await one.create(name)
        try await lookedUp(two, name)
        // And of one that is made anew: what it was before does not count.
        _ = try await one.streams.remove(name)
        while !two.streams.isLookedUp(name, born: nil) { await Task.yield() }
        try await one.create(name, expiry: .idle(seconds: 40))
        try await lookedUp(two, name)
        try await nodes.pass(200)
        #expect(try await one.store.info(name) != nil)
        two.streams.unfollow(name, follower)
    }

    @Test("what could not be looked up when a reader came is looked up when it reads")
    func lookedUpLater() async throws {
        try await one.create(name, expiry: .idle(seconds: 40))
        two.store.goAway()
        two.store.before(.info) {}
        two.streams.attachReader(name)
        while !two.store.hasRunHooks { await Task.yield() }
        await two.store.comeBack()
        let birth = try #require(try await one.store.info(name)?.birth)
        repeat { _ = try await two.streams.read(name, from: .start) } while !two.streams.isLookedUp(name, born: birth)
        try await nodes.pass(200)
        #expect(try await one.store.info(name) != nil)
    }

    @Test("a node forgets a stream with the last who is attached to it")
    func forgotten() async throws {
        try await one.create(name, lease: 5, expiry: .idle(seconds: 40))
        _ = try await one.streams.append(name, AppendRequest(events: [EventBody("a")]))
        #expect(one.streams.lifetimes.lifetime(of: name) == nil)
        let (producer, _) = try await one.open(name)
        one.streams.attachReader(name)
        #expect(one.streams.lifetimes.lifetime(of: name) != nil)
        await producer.finish(isTorn: false)
        one.streams.detachReader(name)
        #expect(one.streams.lifetimes.lifetime(of: name) == nil)
    }

    private func lookedUp(_ node: SharedNodes.Node, _ name: StreamName) async throws {
        let birth = try #require(try await one.store.info(name)?.birth)
        while !node.streams.isLookedUp(name, born: birth) { await Task.yield() }
    }

    // MARK: What is told of it

    @Test("a node drains by what it is at itself, and tells what all are")
    func attendance() async throws {
        try await one.create(name, lease: 50)
        #expect(!one.streams.isProducing(name) && !two.streams.isProducing(name))
        let (producer, _) = try await one.open(name)
        two.streams.attachReader(name)
        try await lookedUp(two, name)
        #expect(one.streams.isProducing(name) && !two.streams.isProducing(name))
        #expect(one.streams.isComingToAnEnd(name) && !two.streams.isComingToAnEnd(name))
        // Who cannot go on at another node stays for an end that comes.
        #expect(two.streams.isComingToAnEnd(name, canGoOn: false))
        let told = await two.streams.attendance(of: [name, .known("none")])
        #expect(told.map(\.openProducers) == [1, 0] && told.map(\.readers) == [1, 0])
        #expect(told[0].writers == ["node-0"] && told[0].leaseRemaining == nil)
        await producer.finish(isTorn: false)
        try await nodes.pass(10)
        #expect(await two.streams.attendance(of: [name])[0].leaseRemaining == .seconds(40))
        #expect(two.streams.attendance(of: name).leaseRemaining == nil)
        two.store.goAway()
        #expect(await two.streams.attendance(of: [name])[0].readers == 1)
        // Without a lease nothing comes by itself.
        let other = StreamName.known("t")
        try await one.create(other)
        one.streams.attachReader(other)
        try await lookedUp(one, other)
        #expect(!one.streams.isComingToAnEnd(other, canGoOn: false))
    }

    @Test("somebody may be reading elsewhere where that cannot be known")
    func followedElsewhere() async throws {
        #expect(await !one.streams.mayBeFollowedElsewhere(name))
        let follower = WatchRecorder()
        two.streams.follow(name, follower)
        #expect(await one.streams.mayBeFollowedElsewhere(name))
        two.streams.unfollow(name, follower)
        #expect(await !one.streams.mayBeFollowedElsewhere(name))
        one.store.goAway()
        #expect(await one.streams.mayBeFollowedElsewhere(name))
        #expect(await !Node().streams.mayBeFollowedElsewhere(name))
    }

    // MARK: What can wait

    @Test("an append that can wait is kept once, whatever becomes of its response and of the store")
    func persisting() async throws {
        try await one.create(name)
        let (producer, _) = try await one.open(name)
        let clock = HeldClock()
        func append(_ text: String, end: EndRequest? = nil) async throws -> AppendOutcome? {
            try await producer.append([EventBody(text)], end: end, patience: .seconds(60), on: clock)
        }
        #expect(try await append("a")?.isKept == true)
        one.store.loseNextResponse()
        async let second = append("b")
        await clock.pass(.milliseconds(50))
        #expect(try await second?.isKept == true)
        one.store.goAway()
        async let third = append("c")
        for pause in [50, 100, 200, 400, 800, 1000, 1000] { await clock.pass(.milliseconds(pause)) }
        while clock.times != [.seconds(1)] { await Task.yield() }
        await one.store.comeBack()
        await clock.pass(.seconds(1))
        #expect(try await third?.isKept == true)
        one.store.loseNextResponse()
        async let last = append("d", end: EndRequest(.done))
        await clock.pass(.milliseconds(50))
        guard case .appended(_, let end?, nil) = try await last else { throw UnexpectedOutcome("not appended") }
        #expect(producer.stop == .ended(end) && end.reason == .done)
        #expect(try await two.store.texts(name) == ["a", "b", "c", "d"])
    }

    @Test("one that waited in vain may be kept after all, and is not taken for the next")
    func givenUp() async throws {
        try await one.create(name)
        let (producer, _) = try await one.open(name)
        let clock = HeldClock()
        one.store.loseNextResponse()
        await #expect(throws: StoreError.self) {
            try await producer.append([EventBody("a")], patience: .zero, on: clock)
        }
        #expect(try await producer.append([EventBody("b")], patience: .zero, on: clock)?.isKept == true)
        // What would be kept twice is not tried again.
        one.store.loseNextResponse()
        await #expect(throws: StoreError.self) {
            try await producer.append([EventBody("c")], patience: .seconds(60), on: clock)
        }
        #expect(try await two.store.texts(name) == ["a", "b", "c"])
    }

    @Test("what the store refuses is not tried again, and a store of one node is asked once")
    func asked() async throws {
        let clock = HeldClock()
        let node = Node()
        try await node.create(name)
        let alone = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        node.store.fail(.append)
        await #expect(throws: StoreError.unavailable("as scripted")) {
            try await alone.append([EventBody("a")], patience: .seconds(60), on: clock)
        }
        var tries = 0
        await #expect(throws: StoreError.full(.bytes)) {
            try await one.streams.persisting(for: .seconds(60), on: clock) { () throws(StoreError) in
                tries += 1
                throw .full(.bytes)
            }
        }
        #expect(tries == 1)
    }

    @Test("only the stream that was meant is removed")
    func removedByBirth() async throws {
        let birth = try await one.create(name).birth
        #expect(try await two.streams.remove(name, born: birth))
        let again = try await one.create(name).birth
        #expect(try await !two.streams.remove(name, born: birth))
        #expect(try await one.store.info(name)?.birth == again)
    }

    @Test("what other nodes have taken of an owner's streams is forgotten now and then")
    func ownedElsewhere() async throws {
        let nodes = SharedNodes(configuration: StreamsConfiguration(bytesPerOwner: 1 << 20))
        let owned = try #require(nodes.one.streams.owned)
        for index in 0..<1100 {
            let options = StreamOptions(owner: "o")
            let request = CreateRequest(options: options, events: [EventBody("a")])
            _ = try await nodes.one.streams.create(.known("s\(index)"), request)
            _ = try await nodes.two.streams.remove(.known("s\(index)"))
            nodes.time.advance(by: .seconds(100))
        }
        #expect(owned.bytes(of: "o") <= 1001)
    }
}
