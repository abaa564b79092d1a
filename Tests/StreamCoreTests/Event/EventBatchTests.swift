import StoreSuite
import StreamCore
import Testing

@Suite("Events in one buffer")
struct EventBatchTests {
    static func body(_ random: inout SeededRandom) -> EventBody {
        let type = [nil, nil, "", "token", "é"].randomElement(using: &random) ?? nil
        let count = [0, 1, 1, 7, 300].randomElement(using: &random) ?? 0
        return EventBody(type: type, data: (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    @Test("a batch holds what was put into it, one by one, at once, or as a part of another", arguments: 0..<50)
    func contents(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var bodies: [EventBody] = []
        var batch = EventBatch()
        for _ in 0..<Int.random(in: 0..<40, using: &random) {
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                let more = (0..<3).map { _ in Self.body(&random) }
                batch.append(contentsOf: EventBatch(more))
                bodies += more
            case 1:
                let kept = Int.random(in: 0...bodies.count, using: &random)
                batch = batch.prefix(kept)
                bodies = Array(bodies.prefix(kept))
            case 2:
                let dropped = Int.random(in: 0...min(2, bodies.count), using: &random)
                batch = batch.dropFirst(dropped)
                bodies = Array(bodies.dropFirst(dropped))
            case 3: batch = batch.compacted
            case 4: batch = batch.fitted
            default:
                let body = Self.body(&random)
                batch.append(body)
                bodies.append(body)
            }
            #expect(Array(batch) == bodies)
            #expect(batch.size == bodies.reduce(0) { $0 + $1.size })
            #expect(batch.indices.map { batch.size(at: $0) } == bodies.map(\.size))
        }
        #expect(EventBatch(bodies) == batch)
    }

    @Test("an event that is refused leaves nothing behind")
    func refused() throws {
        struct Refusal: Error {}
        var batch: EventBatch = [EventBody(data: [1])]
        #expect(throws: Refusal.self) {
            try batch.append([2, 3]) { (bytes, part) throws(Refusal) in
                #expect(Array(bytes[part]) == [2, 3])
                throw Refusal()
            }
        }
        batch.append([4])
        #expect(batch == [EventBody(data: [1]), EventBody(data: [4])])
    }

    @Test("one event keeps the buffer it came in")
    func oneEvent() {
        let data = [UInt8](repeating: 7, count: 1000)
        let kept = EventBatch(EventBody(data: data))[0].data
        #expect(data.withUnsafeBytes { $0.baseAddress } == kept.withUnsafeBytes { $0.baseAddress })
    }

    @Test(
        "a body of tiny events is a few bytes an event, whatever its type",
        arguments: [
            (ContentType.Kind.ndjson, "1\n", ""), (.json, "1,", "1]"), (.eventStream, "data:1\n\n", ""),
        ]
    )
    func tinyEvents(kind: ContentType.Kind, event: String, last: String) throws {
        let text = (last.isEmpty ? "" : "[") + String(repeating: event, count: 9_999) + (last.isEmpty ? event : last)
        let events = try AtomicBody.events(of: Array(text.utf8), kind: kind, limits: PieceLimits())
        #expect(events.count == 10_000 && events.allSatisfy { $0 == EventBody(data: [UInt8(ascii: "1")]) })
        #expect(events.size == 10_000)
    }

    @Test("a run gives each event the offset behind the one before, also where the counter is full")
    func offsets() {
        let first = Offset(milliseconds: 5, counter: Offset.maximumCounter - 1)
        let run = EventRun(EventBatch((0..<4).map { EventBody(data: [$0]) }), from: first)
        let next = Offset(milliseconds: 6, counter: 0)
        let offsets = [first, Offset(milliseconds: 5, counter: Offset.maximumCounter), next, next.advanced(by: 1)]
        #expect(run.map(\.offset) == offsets && run.lastOffset == offsets[3])
        #expect(run[2...].map(\.body.data) == [[2], [3]])
        #expect(run.index(after: offsets[1]) == 2 && run.index(after: Offset(milliseconds: 4, counter: 0)) == 0)
        var issuer = OffsetIssuer(startingAbove: Offset(milliseconds: 5, counter: Offset.maximumCounter - 2))
        #expect(issuer.next(4, wallMilliseconds: 1) == first && issuer.highest == offsets[3])
    }
}
