import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let removal: [StoreCheck] = [
        StoreCheck("a removed stream is gone, with its producers, its end and its Stream-Seq") { bench in
            let store = try await bench.store()
            let birth = try await store.put(name).birth
            let request = AppendRequest(
                events: [EventBody("a")],
                producer: ProducerStamp(id: "p", epoch: 5, sequence: 0),
                sequence: "9",
                end: EndRequest(.done)
            )
            _ = try await store.append(name, request)
            #expect(try await store.remove(name, because: .deleted, born: nil) == birth)
            #expect(try await store.remove(name, because: .deleted, born: nil) == nil)
            #expect(try await store.info(name) == nil)
            let again = try await store.put(name, StreamOptions(contentType: ContentType("text/plain")!))
            #expect(again.birth > birth && again.end == nil && again.events == 0)
            let fresh = AppendRequest(
                events: [EventBody("b")],
                producer: ProducerStamp(id: "p", epoch: 0, sequence: 0),
                sequence: "1"
            )
            guard case .appended = try await store.append(name, fresh) else { throw UnexpectedOutcome("remembered") }
        },
        StoreCheck("a removal meant for one stream spares the one made anew under its name") { bench in
            let store = try await bench.store()
            let old = try await store.put(name).birth
            #expect(try await store.remove(name, because: .expired, born: old) == old)
            let new = try await store.put(name).birth
            #expect(try await store.remove(name, because: .expired, born: old) == nil)
            #expect(try await store.info(name)?.birth == new)
        },
    ]

    static let lists: [StoreCheck] = [
        StoreCheck("a list is in the order of the names' bytes, whole over its pages, and by prefix") { bench in
            let store = try await bench.store()
            let names = ["a", "a/b", "a/c", "ab", "b", "Z", "é", "\u{1F600}", "\u{FF5E}", "a%", "a_b"]
            for name in names.shuffled() { _ = try await store.put(.known(name)) }
            let sorted = names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
            #expect(try await store.list(prefix: "", after: nil, limit: 100).map(\.name.text) == sorted)
            var paged: [String] = []
            while true {
                let page = try await store.list(prefix: "", after: paged.last, limit: 3)
                if page.isEmpty { break }
                #expect(page.count <= 3)
                paged += page.map(\.name.text)
            }
            #expect(paged == sorted)
            for prefix in ["a", "a/", "a%", "a_", "é", "x"] {
                let expected = sorted.filter { $0.utf8.starts(with: prefix.utf8) }
                #expect(try await store.list(prefix: prefix, after: nil, limit: 100).map(\.name.text) == expected)
            }
            #expect(try await store.list(prefix: "a", after: "a/bb", limit: 2).map(\.name.text) == ["a/c", "a_b"])
            #expect(try await store.list(prefix: "b", after: "a", limit: 9).map(\.name.text) == ["b"])
        },
        StoreCheck("paging while streams come and go tells of each that was there all the time, once") { bench in
            let store = try await bench.store()
            func stays(_ number: Int) -> StreamName { .known("s/\(1000 + number)") }
            func passes(_ number: Int) -> StreamName { .known("s/\(1000 + number)/passing") }
            for number in 0..<200 {
                _ = try await store.put(stays(number))
                if number.isMultiple(of: 2) { _ = try await store.put(passes(number)) }
            }
            var told: [StreamName] = []
            while true {
                let page = try await store.list(prefix: "s/", after: told.last?.text, limit: 70)
                told += page.map(\.name)
                guard page.count == 70 else { break }
                // Before the cursor, at it and behind it.
                for number in 0..<200 {
                    _ = try await store.remove(passes(number), because: .deleted, born: nil)
                    if number.isMultiple(of: 3) { _ = try await store.put(passes(number)) }
                }
            }
            #expect(Set(told).count == told.count)
            #expect(told == told.sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) })
            #expect(told.filter { !$0.text.hasSuffix("passing") } == (0..<200).map(stays))
        },
        StoreCheck("a name that is taken anew stands where it stood, and one that is taken away nowhere") { bench in
            let store = try await bench.store()
            for text in ["a", "b", "c"] { _ = try await store.put(.known(text)) }
            _ = try await store.remove(.known("b"), because: .deleted, born: nil)
            #expect(try await store.list(prefix: "", after: nil, limit: 9).map(\.name.text) == ["a", "c"])
            #expect(try await store.list(prefix: "", after: "a", limit: 1).map(\.name.text) == ["c"])
            _ = try await store.put(.known("b"))
            #expect(try await store.list(prefix: "", after: "a", limit: 1).map(\.name.text) == ["b"])
        },
        StoreCheck("a list tells of each stream what asking for it tells") { bench in
            let store = try await bench.store()
            _ = try await store.put(name, StreamOptions(expiry: .at(wallMilliseconds: 5), leaseSeconds: 9))
            try await store.add(name, "a", "b", end: EndRequest(.failed, detail: "x"))
            let info = try #require(try await store.info(name))
            #expect(try await store.list(prefix: "", after: nil, limit: 1) == [info])
        },
    ]
}
