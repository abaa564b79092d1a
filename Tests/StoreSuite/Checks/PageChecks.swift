import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let pages: [StoreCheck] = [
        StoreCheck("what is not there cannot be read") { bench in
            let store = try await bench.store()
            #expect(try await store.read(name, from: .start, limit: PageLimit()) == nil)
            #expect(try await store.info(name) == nil)
        },
        StoreCheck("a read from any position gives exactly what is later") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name).birth
            for text in ["a", "b", "c"] { try await store.add(name, text) }
            let all = try await store.page(name)
            #expect(all.texts == ["a", "b", "c"] && all.standing == .exact && all.isAtTail && all.end == nil)
            #expect(all.last == all.tail && all.floor == birth && all.contentType == .eventStream)
            #expect(try await store.texts(name, from: .after(birth)) == ["a", "b", "c"])
            #expect(try await store.texts(name, from: .after(all.offsets[0])) == ["b", "c"])
            #expect(try await store.texts(name, from: .after(all.offsets[1])) == ["c"])
            let tail = try await store.page(name, from: .after(all.tail))
            #expect(tail.events.isEmpty && tail.standing == .exact && tail.last == all.tail && tail.isAtTail)
            let now = try await store.page(name, from: .now)
            #expect(now.events.isEmpty && now.standing == .exact && now.last == all.tail && !now.isPastEnd)
        },
        StoreCheck("a page ends at its limits and holds at least one event") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            try await store.add(name, "aaaa", "bbbb", "c", end: EndRequest(.done))
            let two = try await store.page(name, limit: PageLimit(events: 2))
            #expect(two.texts == ["aaaa", "bbbb"] && two.end == nil && !two.isAtTail && two.last == two.offsets[1])
            #expect(try await store.page(name, limit: PageLimit(bytes: 8)).texts == ["aaaa", "bbbb"])
            #expect(try await store.page(name, limit: PageLimit(bytes: 7)).texts == ["aaaa"])
            #expect(try await store.page(name, limit: PageLimit(bytes: 1)).texts == ["aaaa"])
            let rest = try await store.page(name, from: .after(two.last), limit: PageLimit(events: 1))
            #expect(rest.texts == ["c"] && rest.end?.reason == .done && rest.isAtTail && !rest.isPastEnd)
        },
        StoreCheck("pages one after another are the whole log") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            for count in 0..<40 { try await store.add(name, "\(count)", "\(count)+") }
            for limit in [PageLimit(events: 1), PageLimit(events: 7), PageLimit(bytes: 5)] {
                var texts: [String] = []
                var position = ReadPosition.start
                while true {
                    let page = try await store.page(name, from: position, limit: limit)
                    texts += page.texts
                    if page.isAtTail { break }
                    position = .after(page.last)
                }
                #expect(texts == (0..<40).flatMap { ["\($0)", "\($0)+"] })
            }
        },
        StoreCheck("the end's offset is past the end and everything else before it is not") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            let tail = try await store.add(name, "a", end: EndRequest(.cancelled))
            let end = try #require(try await store.page(name).end)
            let past = try await store.page(name, from: .after(end.offset))
            #expect(past.standing == .exact && past.isPastEnd && past.end == end && past.events.isEmpty)
            #expect(past.last == tail && past.isAtTail)
            let before = try await store.page(name, from: .after(tail))
            #expect(before.standing == .exact && !before.isPastEnd && before.end == end)
            let now = try await store.page(name, from: .now)
            #expect(now.end == end && !now.isPastEnd && now.last == tail)
        },
        StoreCheck("a position this stream never gave is unknown, wherever it would sort") { bench in
            let store = try await bench.store()
            let before = try await store.put(other).birth
            bench.time.advance(by: .seconds(1))
            let info = try await store.put(name)
            try await store.add(name, "a")
            let between = try await store.add(other, "x")
            try await store.add(name, "b")
            let after = try await store.add(other, "y")
            let far = Offset(milliseconds: Offset.maximumMilliseconds, counter: Offset.maximumCounter)
            for offset in [before, between, after, far, Offset(milliseconds: 0, counter: 0)] {
                let page = try await store.page(name, from: .after(offset))
                #expect(page.standing == .unknown && page.texts == ["a", "b"] && page.floor == info.floor)
            }
            let ended = try await store.add(name, end: EndRequest(.done))
            #expect(try await store.page(name, from: .after(after)).standing == .unknown)
            #expect(try await store.page(name, from: .after(ended)).standing == .exact)
        },
        StoreCheck("a stream made anew knows no position of the one before it") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name).birth
            let first = try await store.add(name, "a")
            #expect(try await store.remove(name, because: .deleted, born: nil) == birth)
            bench.time.stepWall(by: -1_000_000)
            _ = try await store.put(name)
            try await store.add(name, "b")
            for offset in [birth, first] {
                let page = try await store.page(name, from: .after(offset))
                #expect(page.standing == .unknown && page.texts == ["b"])
            }
        },
    ]
}
