import StoreSuite
import StreamCore
import Testing

@Suite("Room in a full store", .timeLimit(.minutes(10)))
struct RoomTests {
    private let names = (0..<4).map { StreamName.known("\($0)") }

    @Test("is made of expired streams first, although no sweep came")
    func expiredFirst() async throws {
        let node = Node(limits: StoreLimits(streams: 3), configuration: StreamsConfiguration(endedAge: .seconds(1)))
        try await node.create(names[0])
        _ = try await node.cancel(names[0])
        try await node.create(names[1], expiry: .idle(seconds: 10))
        try await node.create(names[2])
        node.time.advance(by: .seconds(10))
        try await node.create(names[3])
        #expect(try await node.exists(names[0]))
        #expect(try await !node.exists(names[1]))
    }

    @Test("is made of streams that ended past the age next, then there is none")
    func endedNext() async throws {
        let node = Node(limits: StoreLimits(streams: 3), configuration: StreamsConfiguration(endedAge: .seconds(10)))
        for name in names[..<3] { try await node.create(name) }
        _ = try await node.cancel(names[1])
        node.time.advance(by: .seconds(9))
        await #expect(throws: StoreError.full(.streams)) { try await node.create(names[3]) }
        node.time.advance(by: .seconds(1))
        try await node.create(names[3])
        #expect(try await !node.exists(names[1]))
        await #expect(throws: StoreError.full(.streams)) { try await node.create(names[1]) }
    }

    @Test("is never made of streams that ended where no age is configured")
    func neverWithoutAge() async throws {
        let node = Node(limits: StoreLimits(streams: 1))
        try await node.create(names[0])
        _ = try await node.cancel(names[0])
        node.time.advance(by: .seconds(1_000_000))
        await #expect(throws: StoreError.full(.streams)) { try await node.create(names[1]) }
        #expect(try await node.exists(names[0]))
    }

    @Test("in bytes is made for a create without events, too")
    func bytesForACreate() async throws {
        let node = Node(
            limits: StoreLimits(bytes: 4096),
            configuration: StreamsConfiguration(endedAge: .seconds(1))
        )
        try await node.create(names[0])
        let kept = EventBody(data: Array(repeating: 1, count: 3400))
        _ = try await node.streams.append(names[0], AppendRequest(events: [kept], end: EndRequest(.done)))
        node.time.advance(by: .seconds(1))
        try await node.create(names[1])
        #expect(try await !node.exists(names[0]))
    }

    @Test("is made by what retention by age gives back")
    func agedEvents() async throws {
        let node = Node(limits: StoreLimits(bytes: 4096))
        let options = StreamOptions(retention: Retention(seconds: 5))
        _ = try await node.streams.create(names[0], CreateRequest(options: options))
        let large = EventBody(data: Array(repeating: 1, count: 2500))
        try await node.create(names[1])
        _ = try await node.streams.append(names[0], AppendRequest(events: [large]))
        await #expect(throws: StoreError.full(.bytes)) {
            _ = try await node.streams.append(names[1], AppendRequest(events: [large]))
        }
        node.time.advance(by: .seconds(5))
        _ = try await node.streams.append(names[1], AppendRequest(events: [large]))
        #expect(try await node.streams.info(names[0])?.events == 0)
    }
}
