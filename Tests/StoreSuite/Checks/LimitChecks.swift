import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let limits: [StoreCheck] = [
        StoreCheck("the bound on streams refuses a create, and a removal makes room") { bench in
            let store = try await bench.store(StoreLimits(streams: 2))
            _ = try await store.put(name)
            _ = try await store.put(other)
            let third = StreamName.known("third")
            await #expect(throws: StoreError.full(.streams)) { _ = try await store.put(third) }
            guard case .exists = try await store.create(name, CreateRequest(options: StreamOptions())) else {
                throw UnexpectedOutcome("what is there needs no room")
            }
            #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
            _ = try await store.put(third)
        },
        StoreCheck("at the bound on bytes appends and creates are refused, nothing is taken, and ending works") {
            bench in
            let store = try await bench.store(StoreLimits(bytes: 1 << 20))
            let birth = try await store.put(name).birth
            _ = try await store.put(other)
            let kept = try await store.fill(name)
            #expect((1...64).contains(kept))
            let big = EventBody(data: Array(repeating: 1, count: 64 << 10))
            let request = CreateRequest(options: StreamOptions(), events: [big])
            await #expect(throws: StoreError.self) { _ = try await store.create(.known("third"), request) }
            #expect(try await store.info(.known("third")) == nil)
            let info = try #require(try await store.info(name))
            #expect(info.events == kept && info.floor == birth)
            try await store.add(name, end: EndRequest(.failed, detail: "no room"))
            try await store.add(other, end: EndRequest(.cancelled))
            #expect(try await store.info(name)?.end?.reason == .failed)
            #expect(try await store.remove(name, because: .deleted, born: nil) == birth)
            _ = try await store.create(.known("third"), request)
        },
        StoreCheck("room is made of streams that ended long ago, oldest end first, and of no others") { bench in
            let store = try await bench.store(StoreLimits(streams: 5))
            let names = (0..<5).map { StreamName.known("\($0)") }
            for name in names { _ = try await store.put(name) }
            // Ended in the order 2, 1, 3; 0 never; 4 only now.
            for index in [2, 1, 3] {
                try await store.add(names[index], "x", end: EndRequest(.done))
                bench.time.advance(by: .seconds(10))
            }
            try await store.add(names[4], end: EndRequest(.done))
            try await store.takeEnded(olderThan: .seconds(5), toFit: 1000)
            #expect(try await store.list(prefix: "", after: nil, limit: 10).map(\.name.text) == ["0", "1", "3", "4"])
            try await store.takeEnded(olderThan: .seconds(5), toFit: 1000)
            #expect(try await store.list(prefix: "", after: nil, limit: 10).count == 4)
            _ = try await store.put(names[2])
            try await store.takeEnded(olderThan: .seconds(15), toFit: 1000)
            #expect(try await store.info(names[1]) == nil)
            #expect(try await store.info(names[3]) != nil)
        },
        StoreCheck("streams that ended are not taken when that would not make room") { bench in
            let store = try await bench.store(StoreLimits(bytes: 1 << 20))
            _ = try await store.put(name)
            try await store.add(name, "x", end: EndRequest(.done))
            bench.time.advance(by: .seconds(10))
            try await store.takeEnded(olderThan: .seconds(5), toFit: 2 << 20)
            #expect(try await store.info(name) != nil)
        },
        StoreCheck("a full store still takes what a stream's own retention makes room for") { bench in
            guard bench.harness.retentionSlack == 0 else { return }
            let store = try await bench.store(StoreLimits(bytes: 1 << 20))
            _ = try await store.put(name, StreamOptions(retention: Retention(events: 2)))
            _ = try await store.put(other)
            let big = EventBody(data: Array(repeating: 1, count: 64 << 10))
            for _ in 0..<2 { _ = try await store.append(name, AppendRequest(events: [big])) }
            _ = try await store.fill(other)
            for _ in 0..<3 { _ = try await store.append(name, AppendRequest(events: [big])) }
            #expect(try await store.info(name)?.events == 2)
            let three = AppendRequest(events: [big, big, big])
            await #expect(throws: StoreError.full(.bytes)) { _ = try await store.append(name, three) }
        },
        StoreCheck("what was given back is counted: filling and emptying can go on for ever") { bench in
            let store = try await bench.store(StoreLimits(bytes: 1 << 20))
            var counts: Set<Int> = []
            for _ in 0..<5 {
                _ = try await store.put(name, StreamOptions(retention: Retention(seconds: 1)))
                counts.insert(try await store.fill(name))
                bench.time.advance(by: .seconds(2))
                try await store.trimByAge()
                if bench.harness.retentionSlack == 0 { counts.insert(try await store.fill(name)) }
                #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
            }
            #expect(counts.count == 1)
        },
    ]
}

@available(freshet 0.1, *)
extension StreamStore {
    /// Appends events of 64 KiB until the store is full; how many it took.
    fileprivate func fill(_ name: StreamName) async throws -> Int {
        let event = EventBody(data: Array(repeating: 0x61, count: 64 << 10))
        for count in 0..<1000 {
            do {
                _ = try await append(name, AppendRequest(events: [event]))
            } catch StoreError.full(.bytes) {
                return count
            }
        }
        throw UnexpectedOutcome("the store has no bound")
    }
}
