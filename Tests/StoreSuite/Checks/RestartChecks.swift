import StreamCore
import Testing

/// What holds across a restart, for the stores that keep anything.
@available(freshet 0.1, *)
extension StoreCheck {
    static let restarts: [StoreCheck] = [
        StoreCheck("after a restart everything acknowledged is there, and offsets go on rising") { bench in
            let store = try await bench.store()
            let retention = Retention(events: 50)
            let options = StreamOptions(expiry: .idle(seconds: 90), leaseSeconds: 3, retention: retention, owner: "app")
            _ = try await store.put(name, options)
            _ = try await store.put(other)
            let stamp = ProducerStamp(id: "p", epoch: 2, sequence: 0)
            let request = AppendRequest(events: [EventBody("a"), EventBody("b")], producer: stamp, sequence: "5")
            let tail = try #require(try await store.append(name, request).tail)
            _ = try await store.setLease(name, seconds: 8)
            try await store.add(other, "x", end: EndRequest(.failed, detail: "y"))
            let before = try await store.list(prefix: "", after: nil, limit: 9)
            let page = try await store.page(name)
            bench.time.stepWall(by: -10_000_000)
            guard let again = try await bench.harness.reopen() else { return }
            #expect(try await again.list(prefix: "", after: nil, limit: 9) == before)
            #expect(try await again.page(name).events == page.events)
            let state = ProducerState(epoch: 2, sequence: 0)
            #expect(try await again.append(name, request) == .duplicate(tail: tail, end: nil, producer: state))
            let regression = AppendRequest(events: [EventBody("c")], sequence: "4")
            #expect(try await again.append(name, regression) == .sequenceRegression(last: "5"))
            let ordered = bench.harness.ordersOffsetsByName ? before.filter { $0.name == name } : before
            let highest = ordered.map { $0.end?.offset ?? $0.tail }.reduce(tail, max)
            #expect(try await again.add(name, "c") > highest)
            #expect(try await again.texts(name, from: .after(tail)) == ["c"])
        }
    ]
}

@available(freshet 0.1, *)
extension AppendOutcome {
    fileprivate var tail: Offset? { if case .appended(let tail, _, _) = self { tail } else { nil } }
}
