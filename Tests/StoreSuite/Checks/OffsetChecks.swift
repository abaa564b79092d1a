import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let offsets: [StoreCheck] = [
        StoreCheck("offsets only ever rise, whichever stream, across deletion and a clock that steps back") { bench in
            let store = try await bench.store()
            var all: [StreamName: [Offset]] = [:]
            for round in 0..<4 {
                for name in [name, other] {
                    let order = bench.harness.ordersOffsetsByName ? name : Self.name
                    var given: [Offset] = []
                    given.append(try await store.put(name).birth)
                    given.append(try await store.add(name, "a"))
                    try await store.add(name, "b", "c", end: EndRequest(.done))
                    let page = try await store.page(name)
                    given += page.offsets.dropFirst()
                    given.append(try #require(page.end?.offset))
                    all[order, default: []] += given
                    if round % 2 == 0 {
                        bench.time.stepWall(by: -3_600_000)
                    } else {
                        bench.time.advance(by: .seconds(1))
                    }
                }
                #expect(try await store.remove(name, because: .deleted, born: nil) != nil)
                #expect(try await store.remove(other, because: .deleted, born: nil) != nil)
            }
            #expect(all.values.map(\.count).reduce(0, +) == 40)
            for given in all.values { #expect(zip(given, given.dropFirst()).allSatisfy { $0 < $1 }) }
        },
        StoreCheck("an empty stream stands at its birth, and its end is not its tail") { bench in
            let store = try await bench.store()
            let info = try await store.put(name)
            #expect(info.tail == info.birth && info.floor == info.birth)
            let outcome = try await store.append(name, AppendRequest(end: EndRequest(.failed, detail: "why")))
            guard case .appended(let tail, let end?, nil) = outcome else { throw UnexpectedOutcome("\(outcome)") }
            #expect(tail == info.birth && end.offset > tail && end.reason == .failed && end.detail == "why")
            let after = try #require(try await store.info(name))
            #expect(after.tail == info.birth && after.end == end)
        },
    ]
}
