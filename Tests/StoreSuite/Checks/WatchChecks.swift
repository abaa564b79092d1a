import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let watches: [StoreCheck] = [
        StoreCheck("a watcher is told ready first, then everything in order, before the stream exists too") { bench in
            let store = try await bench.store()
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            #expect(watcher.signals.words == ["ready"] && watcher.wakes > 0)
            _ = try await store.put(name)
            try await store.add(name, "a", "b")
            try await store.add(name, "c", end: EndRequest(.done))
            #expect(try await store.remove(name, because: .expired, born: nil) != nil)
            let signals = await watcher.wait { $0.count >= 5 }
            #expect(signals.words == ["ready", "created", "committed", "ended", "removed: expired"])
            store.unwatch(name, watcher)
            _ = try await store.put(name)
            let second = WatchRecorder()
            store.watch(name, second)
            await second.wait { !$0.isEmpty }
            try await store.add(name, "d")
            await second.wait { $0.items.count == 1 }
            #expect(watcher.signals.count == 5)
        },
        StoreCheck("what is acknowledged has been told before, and is in every read that begins later") { bench in
            let store = try await bench.store()
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            for round in 1...20 {
                // Nothing of this waits: it holds when the answer is there.
                _ = try await store.put(name)
                #expect(watcher.signals.words.last == "created")
                let tail = try await store.add(name, "a")
                #expect(watcher.items.last?.last == tail && watcher.items.count == 2 * round - 1)
                #expect(try await store.info(name)?.tail == tail)
                #expect(try await store.page(name, from: .now).last == tail)
                try await store.add(name, end: EndRequest(.cancelled))
                let end = try #require(watcher.items.last?.end)
                #expect(try await store.info(name)?.end == end)
                #expect(try await store.page(name, from: .now).end == end)
                #expect(try await store.list(prefix: "", after: nil, limit: 9).map(\.end) == [end])
                #expect(try await !store.setLease(name, seconds: 9))
                #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
                #expect(watcher.signals.words.last == "removed: deleted")
                #expect(try await store.info(name) == nil)
                #expect(try await store.read(name, from: .now, limit: PageLimit()) == nil)
            }
            store.unwatch(name, watcher)
        },
        StoreCheck("an append is one item: its events, its end, and who came before") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name).birth
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            let first = try await store.add(name, "a", "b")
            let second = try await store.add(name, "c", end: EndRequest(.done))
            let items = await watcher.wait { $0.items.count == 2 }.items
            #expect(items[0].previous == birth && items[0].last == first && items[0].end == nil)
            #expect(items[1].previous == first && items[1].last == second)
            let page = try await store.page(name)
            #expect(items.flatMap(\.events) == page.events && items[1].end == page.end)
            store.unwatch(name, watcher)
        },
        StoreCheck("an item that is only an end follows the tail and moves nothing") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            let tail = try await store.add(name, "a")
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            try await store.add(name, end: EndRequest(.cancelled))
            let item = try #require(await watcher.wait { $0.items.count == 1 }.items.first)
            #expect(item.previous == tail && item.last == tail && item.events.isEmpty && item.end?.reason == .cancelled)
            store.unwatch(name, watcher)
        },
        StoreCheck("refused requests and other streams tell a watcher nothing") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            _ = try await store.put(other)
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            try await store.add(other, "x")
            _ = try await store.append(name, AppendRequest(contentType: ContentType("a/b"), events: [EventBody("x")]))
            _ = try await store.create(name, CreateRequest(options: StreamOptions(), events: [EventBody("x")]))
            try await store.add(name, "a")
            #expect(await watcher.wait { $0.count >= 2 }.words == ["ready", "committed"])
            store.unwatch(name, watcher)
        },
        StoreCheck("a watcher learns what retention took, after the commit that made it") { bench in
            guard bench.harness.retentionSlack == 0 else { return }
            let store = try await bench.store()
            _ = try await store.put(name, StreamOptions(retention: Retention(seconds: 10, events: 1)))
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            let first = try await store.add(name, "a")
            let second = try await store.add(name, "b")
            bench.time.advance(by: .seconds(11))
            try await store.trimByAge()
            let signals = await watcher.wait { $0.count >= 5 }
            #expect(signals.words == ["ready", "committed", "committed", "trimmed", "trimmed"])
            let floors = signals.compactMap { if case .trimmed(let floor) = $0 { floor } else { nil } }
            #expect(floors == [first, second])
            store.unwatch(name, watcher)
        },
        StoreCheck("many appenders make one total order, its chain unbroken, and what is told can be read") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name).birth
            let watcher = WatchRecorder()
            store.watch(name, watcher)
            await watcher.wait { !$0.isEmpty }
            let tasks = 16
            let each = 50
            let told = try await withThrowingTaskGroup { group in
                for task in 0..<tasks {
                    group.addTask {
                        for count in 0..<each { try await store.add(name, "\(task).\(count)", "\(task).\(count)+") }
                    }
                }
                // Meanwhile: whatever was told is there for every reader.
                group.addTask {
                    var heard = 0
                    while heard < tasks * each {
                        let before = heard
                        let items = await watcher.wait { $0.items.count > before }.items
                        heard = items.count
                        guard let item = items.last else { continue }
                        let page = try await store.page(name, from: .after(item.previous))
                        #expect(page.standing == .exact && page.events.starts(with: item.events))
                    }
                }
                try await group.waitForAll()
                return await watcher.wait { $0.items.count == tasks * each }.items
            }
            var last = birth
            for item in told {
                #expect(item.previous == last && item.events.count == 2)
                last = item.last
            }
            var log: [StreamEvent] = []
            while true {
                let page = try await store.page(name, from: log.last.map { .after($0.offset) } ?? .start)
                log += page.events
                if page.isAtTail { break }
            }
            #expect(told.flatMap(\.events) == log && log.count == tasks * each * 2)
            #expect(zip(log, log.dropFirst()).allSatisfy { $0.offset < $1.offset })
            for task in 0..<tasks {
                let own = log.map(\.text).filter { $0.hasPrefix("\(task).") }
                #expect(own == (0..<each).flatMap { ["\(task).\($0)", "\(task).\($0)+"] })
            }
            store.unwatch(name, watcher)
        },
        StoreCheck("of many who end a stream at once one does, and what was acknowledged stands before the end") {
            bench in
            let store = try await bench.store()
            for round in 0..<20 {
                let name = StreamName.known("race-\(round)")
                _ = try await store.put(name)
                let outcomes = try await withThrowingTaskGroup(of: AppendOutcome.self) { group in
                    for task in 0..<12 {
                        group.addTask {
                            let end = task % 3 == 0 ? EndRequest(task % 2 == 0 ? .done : .cancelled) : nil
                            let events = end?.reason == .cancelled ? [] : [EventBody("\(task)")]
                            return try await store.append(name, AppendRequest(events: EventBatch(events), end: end))
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                let page = try await store.page(name)
                let end = try #require(page.end)
                var ends = 0
                for outcome in outcomes {
                    switch outcome {
                    case .appended(let tail, let made, _):
                        #expect(tail <= page.tail && tail < end.offset)
                        if let made {
                            ends += 1
                            #expect(made == end)
                        }
                    case .ended(let met, let tail, _): #expect(met == end && tail == page.tail)
                    default: Issue.record("\(outcome)")
                    }
                }
                #expect(ends == 1)
            }
        },
    ]
}
