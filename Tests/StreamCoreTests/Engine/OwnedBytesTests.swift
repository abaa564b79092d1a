import StoreSuite
import Testing

@testable import StreamCore

@Suite("What the streams of an owner keep", .timeLimit(.minutes(10)))
struct OwnedBytesTests {
    private let names = (0..<4).map { StreamName.known("\($0)") }

    private func node(_ limits: StoreLimits = StoreLimits(), endedAge: Duration? = nil) -> Node {
        Node(limits: limits, configuration: StreamsConfiguration(endedAge: endedAge, bytesPerOwner: 100))
    }

    @discardableResult
    private func create(
        _ node: Node,
        _ name: StreamName,
        _ bytes: Int = 0,
        owner: String? = "a",
        expiry: StreamOptions.Expiry? = nil,
        retention: Retention = .everything
    ) async throws -> StreamInfo {
        let options = StreamOptions(expiry: expiry, retention: retention, owner: owner)
        let events: EventBatch = bytes == 0 ? [] : [EventBody(data: Array(repeating: 1, count: bytes))]
        guard
            case .created(let info) = try await node.streams.create(
                name,
                CreateRequest(options: options, events: events)
            )
        else { throw UnexpectedOutcome("\(name) was there") }
        return info
    }

    private func append(_ node: Node, _ name: StreamName, _ bytes: Int, end: EndRequest? = nil) async throws {
        let body = EventBody(data: Array(repeating: 1, count: bytes))
        _ = try await node.streams.append(name, AppendRequest(events: [body], end: end))
    }

    private func bytes(_ node: Node, of owner: String = "a") -> Int? { node.streams.owned?.bytes(of: owner) }

    @Test("goes up to the limit exactly, in all of them together, and those of nobody are not counted")
    func limit() async throws {
        let node = node()
        try await create(node, names[0], 40)
        try await create(node, names[1])
        try await create(node, names[2], owner: "b")
        try await create(node, names[3], owner: nil)
        try await append(node, names[1], 60)
        await #expect(throws: StoreError.ownerFull(limit: 100)) { try await append(node, names[0], 1) }
        #expect(bytes(node) == 100)
        try await append(node, names[2], 100)
        try await append(node, names[3], 1000)
        #expect(node.streams.metrics.ownerFull == 1)
    }

    @Test("of many appends at once, as many are kept as there is room for")
    func atOnce() async throws {
        let node = node()
        try await create(node, names[0])
        let kept = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<50 {
                group.addTask {
                    let body = EventBody(data: Array(repeating: 1, count: 10))
                    let outcome = try? await node.streams.append(names[0], AppendRequest(events: [body]))
                    if case .appended = outcome { return true } else { return false }
                }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        // Room that one gives back on its way is not there for all who look meanwhile.
        #expect(kept <= 10 && kept >= 1)
        #expect(try await node.store.base.info(names[0])?.bytes == kept * 10)
        #expect(bytes(node) == kept * 10)
    }

    @Test("is free again at once when a stream is deleted or expires, and an owner without streams is forgotten")
    func freed() async throws {
        let node = node()
        try await create(node, names[0], 50)
        try await create(node, names[1], 50, expiry: .idle(seconds: 10))
        #expect(try await node.streams.remove(names[0]))
        #expect(bytes(node) == 50)
        node.time.advance(by: .seconds(10))
        try await node.streams.sweep()
        #expect(bytes(node) == 0 && node.streams.owned?.count == 0)
        // Made anew under the name, it counts for whoever made it.
        try await create(node, names[0], 30, owner: "b")
        #expect(bytes(node, of: "b") == 30)
    }

    @Test("is what is left after retention, and is looked at again before somebody is refused")
    func trimmed() async throws {
        let node = node()
        try await create(node, names[0], retention: Retention(bytes: 60))
        for _ in 0..<20 { try await append(node, names[0], 50) }
        #expect(bytes(node) == 50)
        try await create(node, names[1], 50, retention: Retention(seconds: 10))
        await #expect(throws: StoreError.ownerFull(limit: 100)) { try await append(node, names[1], 10) }
        node.time.advance(by: .seconds(10))
        try await node.store.base.trimByAge()
        try await append(node, names[1], 40)
        #expect(bytes(node) == 90)
    }

    @Test("and so are streams that went without this node's doing, at most once a second")
    func gone() async throws {
        let node = node()
        try await create(node, names[0], 100)
        try await create(node, names[1])
        await #expect(throws: StoreError.ownerFull(limit: 100)) { try await append(node, names[1], 10) }
        _ = try await node.store.base.remove(names[0], because: .deleted, born: nil)
        await #expect(throws: StoreError.ownerFull(limit: 100)) { try await append(node, names[1], 10) }
        node.time.advance(by: .seconds(1))
        try await append(node, names[1], 10)
        #expect(bytes(node) == 10)
    }

    @Test("an append that is refused, or was kept before, costs nothing; an end is never refused")
    func nothingKept() async throws {
        let node = node()
        try await create(node, names[0], 50)
        let stamp = ProducerStamp(id: "p", epoch: 0, sequence: 0)
        let request = AppendRequest(events: [EventBody("0123456789")], producer: stamp)
        for _ in 0..<10 { _ = try await node.streams.append(names[0], request) }
        #expect(bytes(node) == 60)
        try await append(node, names[0], 40)
        // A retry is told that it was kept, and what is wrong otherwise is said first.
        let again = try await node.streams.append(names[0], request)
        guard case .duplicate = again else { throw UnexpectedOutcome("\(again)") }
        let gap = AppendRequest(events: [EventBody("x")], producer: ProducerStamp(id: "p", epoch: 0, sequence: 7))
        #expect(try await node.streams.append(names[0], gap) == .gap(expected: 1, received: 7))
        let next = AppendRequest(events: [EventBody("x")], producer: ProducerStamp(id: "p", epoch: 0, sequence: 1))
        await #expect(throws: StoreError.ownerFull(limit: 100)) { try await node.streams.append(names[0], next) }
        #expect(try await node.store.base.info(names[0])?.bytes == 100)
        _ = try await node.cancel(names[0])
        #expect(try await node.store.base.info(names[0])?.end?.reason == .cancelled)
        #expect(bytes(node) == 100)
    }

    @Test("is known again after a start")
    func resumed() async throws {
        let node = node()
        try await create(node, names[0], 70)
        let again = Streams(store: node.store, configuration: node.streams.configuration, time: node.time)
        try await again.resume()
        #expect(again.owned?.bytes(of: "a") == 70)
        let body = EventBody(data: Array(repeating: 1, count: 40))
        await #expect(throws: StoreError.ownerFull(limit: 100)) {
            try await again.append(names[0], AppendRequest(events: [body]))
        }
    }
    /// Forks the stream of nobody into one of somebody.
    private func fork(
        _ node: Node,
        _ name: StreamName,
        of source: StreamName,
        at point: ReadPosition = .now,
        _ bytes: Int = 0
    ) async throws -> StreamInfo {
        let events: EventBatch = bytes == 0 ? [] : [EventBody(data: Array(repeating: 1, count: bytes))]
        let fork = ForkRequest(source: source, point: point)
        let request = CreateRequest(options: StreamOptions(owner: "a"), events: events, fork: fork)
        let outcome = try await node.streams.create(name, request)
        guard case .created(let info) = outcome else { throw UnexpectedOutcome("\(outcome)") }
        return info
    }

    @Test("has room for a fork where it has room for all that the fork copies, and what is appended to it at once")
    func forks() async throws {
        let node = node()
        let source = StreamName.known("source")
        let birth = try await create(node, source, 0, owner: nil).birth
        try await append(node, source, 30)
        let middle = try #require(try await node.store.base.info(source)).tail
        try await append(node, source, 30)
        try await create(node, names[0], 50)
        for bytes in [0, 20] {
            await #expect(throws: StoreError.ownerFull(limit: 100)) {
                _ = try await fork(node, names[1], of: source, bytes)
            }
        }
        #expect(bytes(node) == 50 && node.streams.metrics.ownerFull == 2)
        #expect(try await node.store.base.info(names[1]) == nil)
        await #expect(throws: StoreError.ownerFull(limit: 100)) {
            _ = try await fork(node, names[1], of: source, at: .after(middle), 21)
        }
        // Half of it fits, though all of it would not.
        #expect(try await fork(node, names[1], of: source, at: .after(middle), 20).bytes == 50)
        #expect(bytes(node) == 100)
        // What copies nothing needs no room, and what cannot be forked is told as ever.
        #expect(try await fork(node, names[2], of: source, at: .after(birth)).bytes == 0)
        let request = CreateRequest(options: StreamOptions(owner: "a"), fork: ForkRequest(source: .known("none")))
        let missing = try await node.streams.create(names[3], request)
        guard case .forkRefused(.sourceNotFound) = missing else { throw UnexpectedOutcome("\(missing)") }
        _ = try await node.streams.remove(names[1])
        #expect(bytes(node) == 50)
    }

    @Test("of many forks at once, as many are made as there is room for")
    func forksAtOnce() async throws {
        let node = node()
        let source = StreamName.known("source")
        try await create(node, source, 30, owner: nil)
        let made = await withTaskGroup(of: Bool.self) { group in
            for number in 0..<20 {
                group.addTask { (try? await fork(node, .known("fork/\(number)"), of: source)) != nil }
            }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(made <= 3 && made >= 1)
        #expect(bytes(node) == made * 30)
    }
}
