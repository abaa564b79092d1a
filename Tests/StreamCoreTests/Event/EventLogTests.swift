import StoreSuite
import StreamCore
import Testing

@Suite("The log in memory")
struct EventLogTests {
    private struct Kept: Equatable {
        var event: StreamEvent
        var at: Int64
    }

    @Test("a log is its events, whatever was appended in one step and whatever was taken away", arguments: 0..<100)
    func contents(seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var log = EventLog()
        var expected: [Kept] = []
        var issuer = OffsetIssuer()
        func anyOffset() -> Offset {
            let known = expected.randomElement(using: &random)?.event.offset ?? issuer.highest
            return [known, known.advanced(by: 1), issuer.highest].randomElement(using: &random) ?? known
        }
        for step in 0..<80 {
            switch Int.random(in: 0..<8, using: &random) {
            case 0:
                log.removeFirst()
                expected = Array(expected.dropFirst())
            case 1:
                let offset = anyOffset()
                log.remove(through: offset)
                expected.removeAll { $0.event.offset <= offset }
            default:
                let bodies = (0..<Int.random(in: 0..<6, using: &random)).map { _ in EventBatchTests.body(&random) }
                let run: EventRun
                if bodies.isEmpty {
                    run = []
                } else if Bool.random(using: &random) {
                    run = EventRun(EventBatch(bodies), from: issuer.next(bodies.count, wallMilliseconds: UInt64(step)))
                } else {
                    run = EventRun(
                        bodies.enumerated().map { index, body in
                            StreamEvent(offset: issuer.next(wallMilliseconds: UInt64(step + index)), body: body)
                        }
                    )
                }
                log.append(run, at: Int64(step))
                expected += run.map { Kept(event: $0, at: Int64(step)) }
            }
            #expect(log.map { Kept(event: $0.event, at: $0.at) } == expected)
            #expect(log.count == expected.count && log.size == expected.reduce(0) { $0 + $1.event.body.size })
            #expect(log.firstOffset == expected.first?.event.offset && log.lastOffset == expected.last?.event.offset)
            #expect(log.oldest?.size == expected.first?.event.body.size && log.oldest?.at == expected.first?.at)
            let offset = anyOffset()
            let later = expected.filter { $0.event.offset > offset }
            #expect(log.contains(offset) == expected.contains { $0.event.offset == offset })
            #expect(log.events(after: offset).map { Kept(event: $0.event, at: $0.at) } == later)
            #expect(log.suffix(after: offset).map { Kept(event: $0.event, at: $0.at) } == later)
            #expect(log.prefix(through: offset).map(\.event) == expected.dropLast(later.count).map(\.event))
        }
    }
}
