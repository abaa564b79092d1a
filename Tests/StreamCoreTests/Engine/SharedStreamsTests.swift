import StoreSuite
import Testing

@testable import StreamCore

@Suite("Streams that two nodes share", .timeLimit(.minutes(10)))
struct SharedStreamsTests {
    let nodes = SharedNodes()
    let name = StreamName.known("s")
    var one: SharedNodes.Node { nodes.one }
    var two: SharedNodes.Node { nodes.two }

    // MARK: Taking over

    @Test("a newer streaming append of a label at another node takes the right away, which the older one hears at once")
    func takeover() async throws {
        try await one.create(name)
        let (older, olderStops) = try await one.open(name, "p")
        let (other, otherStops) = try await one.open(name, "q")
        #expect(try await older.append([EventBody("a")])?.isKept == true)
        let (newer, newerStops) = try await two.open(name, "p")
        #expect(older.stop == .superseded && olderStops.all == [.superseded])
        #expect(try await older.append([EventBody("lost")]) == nil)
        #expect(try await newer.append([EventBody("b")])?.isKept == true)
        #expect(try await other.append([EventBody("c")])?.isKept == true)
        // What the older one leaves behind changes nothing.
        await older.finish(isTorn: true)
        #expect(try await two.store.info(name)?.options.leaseSeconds == nil)
        #expect(try await newer.append([EventBody("d")])?.isKept == true)
        #expect(try await one.store.texts(name) == ["a", "b", "c", "d"])
        #expect(newerStops.all.isEmpty && otherStops.all.isEmpty)
        // Back again, and at the same node.
        let (newest, _) = try await one.open(name, "p")
        #expect(newerStops.all == [.superseded])
        let (again, _) = try await one.open(name, "p")
        #expect(newest.stop == .superseded && again.stop == nil)
        #expect(try await again.append([EventBody("e")])?.isKept == true)
        for producer in [newer, newest, again, other] { await producer.finish(isTorn: false) }
        #expect(try await one.store.holdings(of: [name]) == [StreamHolding()])
    }

    @Test("who has not heard of it yet is refused by the store all the same, and is told then")
    func unheard() async throws {
        try await one.create(name)
        let (older, stops) = try await one.open(name, "p")
        one.store.holdNews()
        let (newer, _) = try await two.open(name, "p")
        #expect(older.stop == nil)
        #expect(try await older.append([EventBody("lost")]) == nil)
        #expect(older.stop == .superseded && stops.all == [.superseded])
        one.store.letNewsIn()
        #expect(stops.all == [.superseded])
        #expect(try await newer.append([], end: EndRequest(.done))?.isKept == true)
        #expect(try await one.store.texts(name).isEmpty)
        // Nor is it acknowledged that it is still the one.
        let (late, lateStops) = try await one.open(.known("t"), creating: true, "p")
        one.store.holdNews()
        _ = try await two.open(.known("t"), "p")
        try await late.confirm()
        #expect(late.stop == .superseded && lateStops.all.isEmpty)
        one.store.letNewsIn()
        #expect(lateStops.all == [.superseded])
    }

    @Test("one that is replaced before it knows its own claim has lost it")
    func replacedWhileItClaims() async throws {
        try await one.create(name)
        one.store.after(.claim) { [two, name] in
            _ = try? await two.open(name, "p")
        }
        let (older, stops) = try await one.open(name, "p")
        #expect(one.store.hasRunHooks && older.stop == .superseded && stops.all == [.superseded])
        #expect(try await older.append([EventBody("lost")]) == nil)
        #expect(try await one.store.texts(name).isEmpty)
    }

    // MARK: Being told

    @Test("a Stop at one node reaches the producer at another, and so does a deletion")
    func stop() async throws {
        try await one.create(name)
        let (producer, stops) = try await one.open(name)
        let outcome = try await two.cancel(name)
        guard case .appended(_, let end?, _) = outcome else { throw UnexpectedOutcome("\(outcome)") }
        #expect(stops.all == [.ended(end)] && producer.stop == .ended(end))
        #expect(try await producer.append([EventBody("late")]) == .ended(end, tail: outcome.tail, producer: nil))
        await producer.finish(isTorn: true)
        let (other, otherStops) = try await one.open(.known("t"), creating: true)
        #expect(try await two.streams.remove(.known("t")))
        #expect(otherStops.all == [.removed(.deleted)])
        #expect(try await other.append([EventBody("late")]) == nil)
    }

    @Test("what happened while a node did not hear is found out when it hears again, whatever it was")
    func deaf() async throws {
        for (index, happens) in ["cancel", "remove", "replace", "bury", "nothing"].enumerated() {
            let name = StreamName.known("s\(index)")
            try await one.create(name)
            // Before it has heard a word of the stream, and long after.
            one.store.deafen()
            let (early, earlyStops) = try await one.open(name, "early")
            one.store.hear()
            let (later, laterStops) = try await one.open(name, "later")
            one.store.deafen()
            switch happens {
            case "cancel": _ = try await two.cancel(name)
            case "remove": _ = try await two.streams.remove(name)
            case "replace": for label in ["early", "later"] { _ = try await two.open(name, label) }
            case "bury": try await nodes.memory.bury(one.store)
            default: break
            }
            #expect(earlyStops.all.isEmpty && laterStops.all.isEmpty)
            one.store.hear()
            guard happens != "nothing" else {
                #expect(try await early.append([EventBody("a")])?.isKept == true)
                #expect(try await later.append([EventBody("b")])?.isKept == true)
                #expect(earlyStops.all.isEmpty && laterStops.all.isEmpty)
                continue
            }
            while earlyStops.all.isEmpty || laterStops.all.isEmpty { await Task.yield() }
            let expected: ProducerStop =
                switch happens {
                case "cancel": .ended(try #require(try await one.store.info(name)?.end))
                case "remove": .removed(.deleted)
                default: .superseded
                }
            #expect(earlyStops.all == [expected] && laterStops.all == [expected], "\(happens)")
            for producer in [early, later] { await producer.finish(isTorn: false) }
        }
    }

    @Test("what is asked in vain when a node hears again is asked once more")
    func askedInVain() async throws {
        try await one.create(name)
        let (_, stops) = try await one.open(name)
        one.store.goAway()
        _ = try await two.cancel(name)
        one.store.before(.append) {}
        // It hears again before the store can be asked.
        one.store.hear()
        while !one.store.hasRunHooks { await Task.yield() }
        #expect(stops.all.isEmpty)
        await one.store.comeBack()
        while stops.all.isEmpty { await Task.yield() }
    }

    @Test("a body that is over is acknowledged by what the store has decided, heard or not")
    func confirmed() async throws {
        try await one.create(name)
        let (producer, stops) = try await one.open(name)
        try await producer.confirm()
        #expect(producer.stop == nil)
        one.store.deafen()
        _ = try await two.cancel(name)
        try await producer.confirm()
        #expect(producer.stop == .ended(try #require(try await one.store.info(name)?.end)) && stops.all.isEmpty)
        let (other, _) = try await one.open(.known("t"), creating: true)
        _ = try await two.streams.remove(.known("t"))
        try await two.create(.known("t"))
        try await other.confirm()
        #expect(other.stop == .removed(.deleted))
        // Nothing of it goes into the stream that has the name now.
        #expect(try await other.append([EventBody("lost")]) == nil)
    }

    @Test("the stream may end or go between the look at it and the claim")
    func goneBeforeTheClaim() async throws {
        try await one.create(name)
        one.store.before(.claim) { [two, name] in _ = try? await two.cancel(name) }
        let (ended, endedStops) = try await one.open(name)
        #expect(ended.stop == .ended(try #require(try await one.store.info(name)?.end)) && endedStops.all.count == 1)
        let other = StreamName.known("t")
        try await one.create(other)
        one.store.deafen()
        one.store.before(.claim) { [two] in
            _ = try? await two.streams.remove(other)
            _ = try? await two.create(other)
        }
        let (gone, goneStops) = try await one.open(other)
        #expect(gone.stop == .removed(.deleted) && goneStops.all == [.removed(.deleted)])
        #expect(try await gone.append([EventBody("lost")]) == nil)
        await gone.finish(isTorn: true)
        #expect(try await one.store.holdings(of: [other]) == [StreamHolding()])
    }
}

@available(freshet 0.1, *)
extension AppendOutcome {
    var isKept: Bool { if case .appended = self { true } else { false } }
    fileprivate var tail: Offset {
        guard case .appended(let tail, _, _) = self else { preconditionFailure("nothing was appended") }
        return tail
    }
}
