import StoreSuite
import StreamCore
import Testing

@testable import StreamCore

@Suite("A stream's time to live", .timeLimit(.minutes(10)))
struct TimeToLiveTests {
    let node = Node()
    let name = StreamName.known("s")

    @Test("counts from the last read or write, and asking about the stream is neither")
    func touches() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        try await node.pass(9, name)
        _ = try await node.streams.read(name, from: .now)
        try await node.pass(9, name)
        try await node.append(name, "a")
        try await node.pass(9, name)
        #expect(try await node.streams.info(name) != nil)
        #expect(node.streams.attendance(of: name).expiresIn == .seconds(1))
        try await node.pass(1, name)
        #expect(try await !node.exists(name))
    }

    @Test("has run out for whoever comes before the sweep, too")
    func isSettledOnUse() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        node.time.advance(by: .seconds(10))
        #expect(try await node.streams.read(name, from: .start) == nil)
        #expect(try await node.append(name, "a") == .notFound)
        let again = try await node.create(name, expiry: .idle(seconds: 10))
        #expect(again.events == 0)
    }

    @Test("does not run while a reader is attached, and starts again when the last one leaves")
    func readers() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        node.streams.attachReader(name)
        node.streams.attachReader(name)
        try await node.pass(100, name)
        #expect(node.streams.attendance(of: name).expiresIn == nil && node.streams.attendance(of: name).readers == 2)
        node.streams.detachReader(name)
        try await node.pass(100, name)
        node.streams.detachReader(name)
        try await node.pass(9, name)
        #expect(try await node.exists(name))
        try await node.pass(1, name)
        #expect(try await !node.exists(name))
    }

    @Test("does not run while a streaming append is open")
    func openProducers() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        try await node.pass(100, name)
        #expect(try await node.exists(name))
        await producer.finish(isTorn: false)
        try await node.pass(9, name)
        #expect(try await node.exists(name))
        try await node.pass(1, name)
        #expect(try await !node.exists(name))
    }

    @Test("of an ended stream runs like any other")
    func endedStreams() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        _ = try await node.cancel(name)
        try await node.pass(10, name)
        #expect(try await !node.exists(name))
    }

    @Test("to a moment is counted on the clock that never steps, and touching changes nothing")
    func moments() async throws {
        let moment = node.time.wallMilliseconds() + 10_000
        try await node.create(name, expiry: .at(wallMilliseconds: moment))
        node.time.stepWall(by: 86_400_000)
        try await node.pass(9, name)
        _ = try await node.streams.read(name, from: .start)
        try await node.append(name, "a")
        #expect(try await node.exists(name))
        node.time.stepWall(by: -2 * 86_400_000)
        try await node.pass(1, name)
        #expect(try await !node.exists(name))
    }

    @Test("to a moment that is over, or beyond all time, is no trap")
    func extremeMoments() async throws {
        try await node.create(name, expiry: .at(wallMilliseconds: 0))
        try await node.create(.known("far"), expiry: .at(wallMilliseconds: .max))
        try await node.create(.known("long"), lease: .max, expiry: .idle(seconds: .max))
        try await node.pass(1, name)
        #expect(try await !node.exists(name))
        #expect(try await node.exists(.known("far")))
        #expect(try await node.exists(.known("long")))
    }

    @Test("tells those who follow that the stream expired")
    func tellsFollowers() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        let follower = WatchRecorder()
        node.streams.follow(name, follower)
        try await node.pass(10, name)
        #expect(follower.signals.words == ["ready", "removed: expired"])
    }

    @Test("that ran out for one request does not take the stream another made anew meanwhile")
    func recreatedMeanwhile() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        node.time.advance(by: .seconds(10))
        let gate = node.store.hold(.remove)
        async let info = node.streams.info(name)
        await gate.reached()
        let birth = try await node.create(name, expiry: .idle(seconds: 10)).birth
        gate.open()
        #expect(try await info?.birth == birth)
        #expect(try await node.store.info(name)?.birth == birth)
        try await node.pass(10, name)
        #expect(try await !node.exists(name))
    }

    @Test("that a sweep has found to be over is over for a read that comes while the store takes the stream")
    func readWhileSwept() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        node.time.advance(by: .seconds(10))
        let gate = node.store.hold(.remove)
        async let swept: Void = node.streams.sweep()
        await gate.reached()
        #expect(try await node.streams.read(name, from: .start) == nil)
        gate.open()
        try await swept
        #expect(try await !node.exists(name))
    }

    @Test("is not inherited by a stream made anew after the store took the old one")
    func notInherited() async throws {
        let birth = try await node.create(name, expiry: .idle(seconds: 10)).birth
        #expect(try await node.store.base.remove(name, because: .expired, born: nil) == birth)
        try await node.create(name)
        try await node.pass(1000, name)
        #expect(try await node.exists(name))
    }

    @Test("that ran out stays due while the store fails")
    func sweepAgain() async throws {
        try await node.create(name, expiry: .idle(seconds: 10))
        node.store.fail(.remove)
        await #expect(throws: StoreError.self) { try await node.pass(10, name) }
        #expect(try await node.exists(name))
        node.store.fail(.remove, false)
        try await node.pass(0, name)
        #expect(try await !node.exists(name))
    }

    @Test("leaves nothing behind: streams made and deleted without end do not grow the queue")
    func queueIsBounded() {
        let time = ManualTime()
        let table = LifetimeTable(time: time)
        for count in 0..<20_000 {
            let birth = Offset(milliseconds: UInt64(count), counter: 0)
            table.update(name) { lifetime, _ in
                lifetime.exists = true
                lifetime.birth = birth
                lifetime.timeToLive.idle = .seconds(1_000_000 - count)
            }
            table.forget(name, born: birth)
            #expect(table.lifetime(of: name) == nil)
        }
        #expect(table.queued < 2000)
    }
}
