import StoreSuite
import StreamCore
import Testing

@Suite("A producer's lease", .timeLimit(.minutes(10)))
struct LeaseTests {
    let node = Node()
    let name = StreamName.known("s")

    @Test("starts at creation, and a silent producer has abandoned its stream when it runs out")
    func startsAtCreation() async throws {
        try await node.create(name, lease: 10)
        #expect(node.streams.isProducing(name))
        #expect(node.streams.attendance(of: name).leaseRemaining == .seconds(10))
        #expect(try await node.pass(9, name) == nil)
        #expect(node.streams.attendance(of: name).leaseRemaining == .seconds(1))
        let end = try #require(try await node.pass(1, name))
        #expect(end.reason == .abandoned && end.detail == "The producer was silent for 10 s.")
        #expect(!node.streams.isProducing(name))
        guard case .ended = try await node.append(name, "late") else { throw UnexpectedOutcome("not ended") }
    }

    @Test("has run out for whoever comes before the sweep, too")
    func isSettledOnUse() async throws {
        try await node.create(name, lease: 10)
        node.time.advance(by: .seconds(10))
        guard case .ended(let end, _, _) = try await node.append(name, "late") else {
            throw UnexpectedOutcome("an append came through")
        }
        #expect(end.reason == .abandoned)
        #expect(try await node.streams.info(name)?.end == end)
    }

    @Test("is restarted by an append, by a retry of one, and by a renewal, which gives it a new length")
    func restarts() async throws {
        try await node.create(name, lease: 10)
        try await node.pass(9, name)
        let stamp = ProducerStamp(id: "p", epoch: 0, sequence: 0)
        let request = AppendRequest(events: [EventBody("a")], producer: stamp)
        _ = try await node.streams.append(name, request)
        #expect(try await node.pass(9, name) == nil)
        _ = try await node.streams.append(name, request)
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.streams.renewLease(name, seconds: 30)?.end == nil)
        #expect(try await node.pass(29, name) == nil)
        #expect(try await node.pass(1, name)?.detail == "The producer was silent for 30 s.")
        #expect(try await node.streams.renewLease(name, seconds: 30)?.end?.reason == .abandoned)
        #expect(try await node.streams.renewLease(.known("none"), seconds: 30) == nil)
    }

    @Test("is not restarted by a refused append, nor by reading")
    func refusedAppends() async throws {
        try await node.create(name, lease: 10)
        try await node.pass(9, name)
        let wrong = AppendRequest(contentType: ContentType("text/plain"), events: [EventBody("x")])
        #expect(try await node.streams.append(name, wrong) == .typeMismatch(.eventStream))
        _ = try await node.streams.read(name, from: .start)
        node.streams.attachReader(name)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("does not run out under a renewal that the store has taken, and does before one that comes too late")
    func renewalOnItsWay() async throws {
        try await node.create(name, lease: 10)
        let gate = node.store.holdResponse(.setLease)
        async let renewed = node.streams.renewLease(name, seconds: 30)
        await gate.reached()
        #expect(try await node.pass(11, name) == nil)
        gate.open()
        #expect(try await renewed?.end == nil)
        #expect(try await node.pass(29, name) == nil)
        node.time.advance(by: .seconds(1))
        #expect(try await node.streams.renewLease(name, seconds: 30)?.end?.reason == .abandoned)
    }

    @Test("is not renewed when a cancel comes before the store's word")
    func renewalAgainstCancel() async throws {
        try await node.create(name, lease: 10)
        let gate = node.store.hold(.setLease)
        async let renewed = node.streams.renewLease(name, seconds: 30)
        await gate.reached()
        _ = try await node.cancel(name)
        gate.open()
        #expect(try await renewed?.end?.reason == .cancelled)
        #expect(node.streams.attendance(of: name).leaseRemaining == nil)
    }

    @Test("that ran out ends the stream it was of, and not one that was made anew meanwhile")
    func abandonsItsOwn() async throws {
        try await node.create(name, lease: 10)
        node.time.advance(by: .seconds(10))
        let gate = node.store.hold(.append)
        async let swept: Void = node.streams.sweep()
        await gate.reached()
        #expect(try await node.streams.remove(name))
        try await node.create(name, lease: 10)
        gate.open()
        try await swept
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("or none: the readers of a stream that has just ended are about to be told its end")
    func comesToAnEnd() async throws {
        try await node.create(name)
        node.streams.attachReader(name)
        try await node.append(name, "a")
        #expect(!node.streams.isComingToAnEnd(name))
        _ = try await node.cancel(name)
        #expect(node.streams.isComingToAnEnd(name) && !node.streams.isProducing(name))
        node.streams.detachReader(name)
    }

    @Test("begins with a renewal where a stream had none")
    func begins() async throws {
        try await node.create(name)
        #expect(try await node.pass(10_000, name) == nil)
        _ = try await node.streams.renewLease(name, seconds: 5)
        #expect(try await node.pass(5, name)?.reason == .abandoned)
    }

    @Test("does not run while a streaming append is open, and runs from when the last one ended")
    func openProducers() async throws {
        try await node.create(name, lease: 10)
        let first = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        let second = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        #expect(try await node.pass(1000, name) == nil)
        #expect(node.streams.attendance(of: name).leaseRemaining == nil && node.streams.isProducing(name))
        await first.finish(isTorn: true)
        #expect(try await node.pass(1000, name) == nil)
        await second.finish(isTorn: false)
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("of 60 s is given by a torn streaming append to a stream without one")
    func torn() async throws {
        try await node.create(name)
        let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        _ = try await producer.append([EventBody("a")])
        await producer.finish(isTorn: true)
        #expect(try await node.store.info(name)?.options.leaseSeconds == 60)
        #expect(try await node.pass(59, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("is held by the node when the store cannot keep the one a torn request gives")
    func tornWhileTheStoreFails() async throws {
        try await node.create(name)
        let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        node.store.fail(.setLease)
        await producer.finish(isTorn: true)
        #expect(try await node.pass(60, name)?.reason == .abandoned)
    }

    @Test("of its own is kept by a stream whose streaming append is torn")
    func tornWithLease() async throws {
        try await node.create(name, lease: 100)
        let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        await producer.finish(isTorn: true)
        #expect(try await node.pass(99, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }

    @Test("is not given where none is configured")
    func tornWithoutConfiguration() async throws {
        let node = Node(configuration: StreamsConfiguration(tornLeaseSeconds: 0))
        try await node.create(name)
        let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
        await producer.finish(isTorn: true)
        #expect(try await node.pass(100_000, name) == nil)
    }

    @Test("is never given by streaming appends that end cleanly")
    func cleanRequests() async throws {
        try await node.create(name)
        for _ in 0..<5 {
            let producer = try #require(try await node.streams.openProducer(name, label: nil) { _ in })
            _ = try await producer.append([EventBody("a")])
            await producer.finish(isTorn: false)
            #expect(try await node.pass(100_000, name) == nil)
        }
    }

    @Test("starts again in full after a restart of the node, and not for streams that ended")
    func resumes() async throws {
        try await node.create(name, lease: 10)
        try await node.create(.known("ended"), lease: 10)
        _ = try await node.cancel(.known("ended"))
        node.time.advance(by: .seconds(9))
        let again = Streams(store: node.store, time: node.time)
        try await again.resume()
        #expect(again.isProducing(name) && !again.isProducing(.known("ended")))
        node.time.advance(by: .seconds(9))
        try await again.sweep()
        #expect(try await node.store.info(name)?.end == nil)
        node.time.advance(by: .seconds(1))
        try await again.sweep()
        #expect(try await node.store.info(name)?.end?.reason == .abandoned)
        #expect(try await node.store.info(.known("ended"))?.end?.reason == .cancelled)
    }

    @Test("that ran out stays due while the store fails, until a sweep succeeds")
    func sweepAgain() async throws {
        try await node.create(name, lease: 10)
        try await node.create(.known("t"), lease: 10)
        node.store.fail(.append)
        for _ in 0..<3 {
            await #expect(throws: StoreError.unavailable("as scripted")) { try await node.pass(10, name) }
        }
        #expect(try await node.store.info(name)?.end == nil)
        node.store.fail(.append, false)
        #expect(try await node.pass(0, name)?.reason == .abandoned)
        #expect(try await node.store.info(.known("t"))?.end?.reason == .abandoned)
    }

    @Test("does not run out under an append that is on its way to the store")
    func appendOnItsWay() async throws {
        try await node.create(name, lease: 10)
        let gate = node.store.hold(.append)
        async let outcome = node.append(name, "a")
        await gate.reached()
        #expect(try await node.pass(11, name) == nil)
        gate.open()
        guard case .appended = try await outcome else { throw UnexpectedOutcome("not appended") }
        #expect(try await node.pass(9, name) == nil)
        #expect(try await node.pass(1, name)?.reason == .abandoned)
    }
}
