import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let retention: [StoreCheck] = [
        StoreCheck("retention by count takes from the start and never more than it says") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name, StreamOptions(retention: Retention(events: 3))).birth
            let total = 10 + bench.harness.retentionSlack
            for count in 0..<total { try await store.add(name, "\(count)") }
            let info = try #require(try await store.info(name))
            #expect((3...(3 + bench.harness.retentionSlack)).contains(info.events))
            #expect(info.floor > birth && info.birth == birth)
            let page = try await store.page(name)
            #expect(page.standing == .belowFloor && page.floor == info.floor)
            #expect(page.texts == ((total - info.events)..<total).map(String.init))
        },
        StoreCheck("retention by bytes takes from the start, of one large append too") { bench in
            let store = try await bench.store()
            _ = try await store.put(name, StreamOptions(retention: Retention(bytes: 10)))
            let texts = (0..<(10 + bench.harness.retentionSlack)).map { "\($0)".prefix(4) + "...." }.map {
                $0.prefix(4)
            }
            let events = texts.map { EventBody(String($0)) }
            _ = try await store.append(name, AppendRequest(events: EventBatch(events)))
            let info = try #require(try await store.info(name))
            #expect((2...(2 + bench.harness.retentionSlack)).contains(info.events) && info.bytes == info.events * 4)
            #expect(try await store.texts(name) == texts.suffix(info.events).map(String.init))
        },
        StoreCheck("retention by age counts on the clock that never steps") { bench in
            let store = try await bench.store()
            _ = try await store.put(name, StreamOptions(retention: Retention(seconds: 10)))
            let old = try await store.add(name, "old")
            bench.time.advance(by: .seconds(6))
            bench.time.stepWall(by: 86_400_000)
            try await store.add(name, "new")
            try await store.trimByAge()
            #expect(try await store.texts(name) == ["old", "new"])
            bench.time.stepWall(by: -2 * 86_400_000)
            bench.time.advance(by: .seconds(5))
            try await store.trimByAge()
            if bench.harness.retentionSlack == 0 {
                let page = try await store.page(name)
                #expect(page.texts == ["new"] && page.floor == old)
            }
            #expect(try await store.texts(name).last == "new")
        },
        StoreCheck("a reader at the floor lost nothing, one below it did") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name, StreamOptions(retention: Retention(events: 2))).birth
            var offsets: [Offset] = []
            for count in 0..<(6 + bench.harness.retentionSlack) {
                offsets.append(try await store.add(name, "\(count)"))
            }
            let info = try #require(try await store.info(name))
            let floor = try #require(offsets.firstIndex(of: info.floor))
            let kept = ((floor + 1)..<offsets.count).map(String.init)
            let exact = try await store.page(name, from: .after(info.floor))
            #expect(exact.standing == .exact && exact.texts == kept)
            for offset in offsets[..<floor] + [birth] {
                let page = try await store.page(name, from: .after(offset))
                #expect(page.standing == .belowFloor && page.texts == kept && page.floor == info.floor)
            }
        },
        StoreCheck("a stream whose every event was taken stands at its floor") { bench in
            guard bench.harness.retentionSlack == 0 else { return }
            let store = try await bench.store()
            let birth = try await store.put(name, StreamOptions(retention: Retention(seconds: 1))).birth
            let tail = try await store.add(name, "a", "b", end: EndRequest(.done))
            bench.time.advance(by: .seconds(2))
            try await store.trimByAge()
            let info = try #require(try await store.info(name))
            #expect(info.events == 0 && info.bytes == 0 && info.floor == tail && info.tail == tail && birth < tail)
            let page = try await store.page(name, from: .after(tail))
            #expect(page.standing == .exact && page.end?.reason == .done && page.last == tail)
            #expect(try await store.page(name).standing == .belowFloor)
        },
    ]
}
