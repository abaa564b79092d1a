import StreamCore
import Testing

@available(freshet 0.1, *)
extension StoreCheck {
    static let producers: [StoreCheck] = [
        StoreCheck("a producer counts from zero in each epoch, and a retry doubles nothing") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            #expect(try await store.stamped("p", 0, 1) == .gap(expected: 0, received: 1))
            let first = try await store.stamped("p", 0, 0)
            guard case .appended(let one, nil, ProducerState(epoch: 0, sequence: 0)) = first else {
                throw UnexpectedOutcome("\(first)")
            }
            let state = ProducerState(epoch: 0, sequence: 0)
            #expect(try await store.stamped("p", 0, 0) == .duplicate(tail: one, end: nil, producer: state))
            #expect(try await store.stamped("p", 0, 2) == .gap(expected: 1, received: 2))
            guard case .appended(let two, _, _) = try await store.stamped("p", 0, 1) else {
                throw UnexpectedOutcome("not appended")
            }
            let later = ProducerState(epoch: 0, sequence: 1)
            #expect(try await store.stamped("p", 0, 0) == .duplicate(tail: two, end: nil, producer: later))
            #expect(try await store.stamped("p", 3, 1) == .epochMustStartAtZero)
            guard case .appended = try await store.stamped("p", 3, 0) else { throw UnexpectedOutcome("not appended") }
            #expect(try await store.stamped("p", 2, 0) == .fenced(currentEpoch: 3))
            #expect(try await store.stamped("p", 0, 2) == .fenced(currentEpoch: 3))
            guard case .appended = try await store.stamped("p", 3, 1) else { throw UnexpectedOutcome("not appended") }
            #expect(try await store.texts(name) == ["p.0.0", "p.0.1", "p.3.0", "p.3.1"])
        },
        StoreCheck("producers know nothing of each other, nor streams of each other's") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            _ = try await store.put(other)
            for id in ["p", "q", "P"] {
                guard case .appended = try await store.stamped(id, 7, 0) else { throw UnexpectedOutcome("\(id)") }
            }
            let elsewhere = AppendRequest(
                events: [EventBody("x")],
                producer: ProducerStamp(id: "p", epoch: 0, sequence: 0)
            )
            guard case .appended = try await store.append(other, elsewhere) else { throw UnexpectedOutcome("fenced") }
        },
        StoreCheck("the exact closing request is a duplicate, and any other one meets the end") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            _ = try await store.stamped("p", 0, 0)
            _ = try await store.stamped("q", 4, 0)
            let closing = try await store.stamped("p", 0, 1, end: EndRequest(.done))
            guard case .appended(let tail, let end?, let state?) = closing else {
                throw UnexpectedOutcome("\(closing)")
            }
            let again = try await store.stamped("p", 0, 1, end: EndRequest(.done))
            #expect(again == .duplicate(tail: tail, end: end, producer: state))
            #expect(try await store.stamped("p", 0, 0) == .ended(end, tail: tail, producer: state))
            #expect(try await store.stamped("p", 0, 2) == .ended(end, tail: tail, producer: state))
            let q = ProducerState(epoch: 4, sequence: 0)
            #expect(try await store.stamped("q", 4, 0) == .ended(end, tail: tail, producer: q))
            #expect(try await store.stamped("r", 0, 0) == .ended(end, tail: tail, producer: nil))
            #expect(try await store.texts(name) == ["p.0.0", "q.4.0", "p.0.1"])
        },
        StoreCheck("one producer's retries from many tasks keep each event once") { bench in
            let store = try await bench.store()
            _ = try await store.put(name)
            for sequence in 0..<20 as Range<UInt64> {
                try await withThrowingTaskGroup { group in
                    for _ in 0..<8 { group.addTask { _ = try await store.stamped("p", 0, sequence) } }
                    try await group.waitForAll()
                }
            }
            #expect(try await store.texts(name) == (0..<20).map { "p.0.\($0)" })
        },
    ]
}

@available(freshet 0.1, *)
extension StreamStore {
    /// Appends one event that tells its stamp.
    fileprivate func stamped(
        _ id: String,
        _ epoch: UInt64,
        _ sequence: UInt64,
        end: EndRequest? = nil
    ) async throws -> AppendOutcome {
        let stamp = ProducerStamp(id: id, epoch: epoch, sequence: sequence)
        let event = EventBody("\(id).\(epoch).\(sequence)")
        return try await append(StoreCheck.name, AppendRequest(events: [event], producer: stamp, end: end))
    }
}
