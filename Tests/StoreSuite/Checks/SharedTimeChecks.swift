import StreamCore
import Testing

/// What time does to streams that nodes share: the store does it for all of them, once.
@available(freshet 0.1, *)
extension StoreCheck {
    static let sharedTimes: [StoreCheck] = [
        StoreCheck("a lease that runs out ends the stream once, whichever node looks") { bench in
            let (one, two) = try await bench.nodes()
            _ = try await one.put(name, StreamOptions(leaseSeconds: 10))
            let watcher = WatchRecorder()
            two.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            bench.time.advance(by: .seconds(9))
            #expect(try await one.end(of: name) == nil)
            // An append begins it anew, also one that was kept before, and so does who only says to be there.
            let stamped = AppendRequest(
                events: [EventBody("a")],
                producer: ProducerStamp(id: "p", epoch: 0, sequence: 0)
            )
            for _ in 0..<2 {
                _ = try await one.append(name, stamped)
                bench.time.advance(by: .seconds(9))
                #expect(try await two.end(of: name) == nil)
            }
            #expect(try await two.setLease(name, seconds: 20))
            bench.time.advance(by: .seconds(19))
            #expect(try await one.end(of: name) == nil)
            bench.time.advance(by: .seconds(2))
            async let first: Void = one.sweep()
            async let second: Void = two.sweep()
            _ = try await (first, second)
            let end = try #require(try await one.end(of: name))
            #expect(end.reason == .abandoned && end.detail == "The producer was silent for 20 s.")
            let told = await watcher.wait { $0.items.contains { $0.end != nil } }
            #expect(told.items.compactMap(\.end) == [end])
            two.unwatch(name, watcher)
        },
        StoreCheck("while a claim stands no lease runs, and with the last one it begins") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name, StreamOptions(leaseSeconds: 10)).birth
            let claims = (try await one.claim(name, born: birth), try await two.claim(name, born: birth))
            bench.time.advance(by: .seconds(100))
            #expect(try await two.end(of: name) == nil)
            await one.release(claims.0, of: name, isTorn: true)
            bench.time.advance(by: .seconds(100))
            #expect(try await one.end(of: name) == nil)
            for node in [one, two] {
                let holding = try #require(try await node.holding(of: name))
                #expect(holding.openProducers == 1 && holding.writers.count == 1 && holding.leaseRemaining == nil)
            }
            await two.release(claims.1, of: name, isTorn: false)
            #expect(try await one.holding(of: name) == StreamHolding(leaseRemaining: .seconds(10)))
            bench.time.advance(by: .seconds(9))
            #expect(try await one.end(of: name) == nil)
            bench.time.advance(by: .seconds(2))
            #expect(try await one.end(of: name)?.reason == .abandoned)
        },
        StoreCheck("a claim that is torn leaves its own lease where there is none, and a whole one leaves none") {
            bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name).birth
            let whole = try await one.claim(name, born: birth, torn: 7)
            await one.release(whole, of: name, isTorn: false)
            #expect(try await one.info(name)?.options.leaseSeconds == nil)
            let none = try await one.claim(name, born: birth, torn: 0)
            await one.release(none, of: name, isTorn: true)
            #expect(try await one.info(name)?.options.leaseSeconds == nil)
            // With another at work it is set, and does not run.
            let other = try await two.claim(name, born: birth, torn: 9)
            let torn = try await one.claim(name, born: birth, torn: 7)
            await one.release(torn, of: name, isTorn: true)
            bench.time.advance(by: .seconds(100))
            #expect(try await two.end(of: name) == nil)
            await two.release(other, of: name, isTorn: true)
            // Which of them is the stream's is not said.
            bench.time.advance(by: .seconds(6))
            #expect(try await two.end(of: name) == nil)
            bench.time.advance(by: .seconds(4))
            #expect(try await two.end(of: name)?.reason == .abandoned)
        },
        StoreCheck("a claim may change the length of the lease, which begins when it is given back") { bench in
            let (one, two) = try await bench.nodes()
            let birth = try await one.put(name, StreamOptions(leaseSeconds: 100)).birth
            let claim = try await one.claim(name, born: birth, lease: 5, torn: 60)
            #expect(try await two.info(name)?.options.leaseSeconds == 5)
            bench.time.advance(by: .seconds(50))
            await one.release(claim, of: name, isTorn: true)
            bench.time.advance(by: .seconds(4))
            #expect(try await two.end(of: name) == nil)
            bench.time.advance(by: .seconds(2))
            #expect(try await two.end(of: name)?.reason == .abandoned)
        },
        StoreCheck("a stream expires for all nodes, and neither while it is claimed nor used") { bench in
            let (one, two) = try await bench.nodes()
            let watcher = WatchRecorder()
            two.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            let birth = try await one.put(name, StreamOptions(expiry: .idle(seconds: 80))).birth
            // Each use counts, be it noted a little later.
            for use in 0..<4 {
                bench.time.advance(by: .seconds(60))
                try await one.sweep()
                switch use {
                case 0: try await two.add(name, "a")
                case 1: _ = try await two.page(name)
                case 2: two.touch(name)
                default: await one.release(try await two.claim(name, born: birth), of: name, isTorn: false)
                }
                while try #require(try await one.expiresIn(name)) < .seconds(70) { await Task.yield() }
            }
            let claim = try await two.claim(name, born: birth)
            bench.time.advance(by: .seconds(1000))
            try await one.sweep()
            #expect(try await one.info(name) != nil)
            await two.release(claim, of: name, isTorn: false)
            bench.time.advance(by: .seconds(79))
            try await one.sweep()
            #expect(try await one.info(name) != nil)
            bench.time.advance(by: .seconds(2))
            try await one.sweep()
            for node in [one, two] { #expect(try await node.info(name) == nil) }
            let told = await watcher.wait { $0.words.last == "removed: expired" }
            #expect(told.words.filter { $0.hasPrefix("removed") }.count == 1)
            two.unwatch(name, watcher)
        },
        StoreCheck("a stream that is held does not expire at its moment either, until nobody holds it any more") {
            bench in
            let (one, two) = try await bench.nodes()
            let moment = bench.time.wallMilliseconds() + 60_000
            _ = try await one.put(name, StreamOptions(expiry: .at(wallMilliseconds: moment)))
            #expect(try await one.expiresIn(name) == .seconds(60))
            bench.time.advance(by: .seconds(50))
            two.hold(name, for: .seconds(30))
            while try await one.expiresIn(name) == .seconds(10) { await Task.yield() }
            bench.time.advance(by: .seconds(29))
            try await one.sweep()
            #expect(try await two.info(name) != nil)
            one.hold(name, for: .seconds(30))
            while try #require(try await one.expiresIn(name)) < .seconds(30) { await Task.yield() }
            // What is shorter takes nothing back.
            two.hold(name, for: .seconds(5))
            bench.time.advance(by: .seconds(29))
            try await two.sweep()
            #expect(try await one.info(name) != nil)
            bench.time.advance(by: .seconds(2))
            try await one.sweep()
            #expect(try await one.info(name) == nil)
        },
        StoreCheck("a node knows whether another follows a stream") { bench in
            let (one, two) = try await bench.nodes()
            _ = try await one.put(name)
            let watchers = (WatchRecorder(), WatchRecorder())
            one.watch(name, watchers.0)
            await watchers.0.wait { !$0.isEmpty }
            #expect(try await !one.isFollowedElsewhere(name))
            #expect(try await two.isFollowedElsewhere(name))
            two.watch(name, watchers.1)
            await watchers.1.wait { !$0.isEmpty }
            #expect(try await one.isFollowedElsewhere(name))
            two.unwatch(name, watchers.1)
            while try await one.isFollowedElsewhere(name) { await Task.yield() }
            one.unwatch(name, watchers.0)
        },
    ]
}
