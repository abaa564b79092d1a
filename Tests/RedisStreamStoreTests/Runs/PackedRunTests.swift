import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("A packed run")
struct PackedRunTests {
    private func pack(_ batch: EventBatch) -> [UInt8] { PackedRun.head(of: batch) + batch.contents }

    @Test("comes back as it was, whatever its events are, slices of a batch too")
    func comesBack() throws {
        var random = SeededRandom(seed: 1)
        for round in 0..<300 {
            let bodies = (0..<Int.random(in: 1...70, using: &random)).map { _ in
                EventBody(
                    type: ["", "t", "é", String(repeating: "x", count: 200), nil, nil].randomElement(using: &random)!,
                    data: (0..<[0, 1, 5, 63, 64, 65, 300, 20_000].randomElement(using: &random)!).map { _ in
                        UInt8.random(in: 0...255, using: &random)
                    }
                )
            }
            let batch = EventBatch(bodies)
            let cut = Int.random(in: 0..<bodies.count, using: &random)
            for part in [batch, batch[cut..<bodies.count], batch[0..<cut + 1]] {
                let packed = pack(part)
                let again = try #require(PackedRun.batch(of: part.count, in: packed[...]), "round \(round)")
                #expect(again == part && again.size == part.size)
                #expect(again.startIndex == 0)
            }
        }
    }

    @Test("costs three bytes for an event of a hundred")
    func isSmall() {
        #expect(pack(EventBatch(EventBody(data: Array(repeating: 1, count: 100)))).count == 103)
    }

    @Test("that was cut short, made longer, or is something else is none")
    func isChecked() {
        let packed = pack([
            EventBody(type: "token", data: [1, 2, 3]), EventBody(data: Array(repeating: 7, count: 200)),
        ])
        #expect(PackedRun.batch(of: 2, in: packed[...]) != nil)
        for count in 0..<packed.count { #expect(PackedRun.batch(of: 2, in: packed[..<count]) == nil) }
        #expect(PackedRun.batch(of: 2, in: (packed + [0])[...]) == nil)
        for count in [-1, 0, 1, 3, .max] { #expect(PackedRun.batch(of: count, in: packed[...]) == nil) }
        var otherForm = packed
        otherForm[0] = 2
        #expect(PackedRun.batch(of: 2, in: otherForm[...]) == nil)
        // A type longer than its event, and a number without an end.
        #expect(PackedRun.batch(of: 1, in: [1, 3, 2, 65]) == nil)
        #expect(PackedRun.batch(of: 1, in: [1] + Array(repeating: 0xFF, count: 12)) == nil)
    }

    @Test("of random bytes is none or what they say, and never a trap")
    func survivesNoise() {
        var random = SeededRandom(seed: 2)
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            bytes.insert(1, at: 0)
            let count = Int.random(in: 1...4, using: &random)
            if let batch = PackedRun.batch(of: count, in: bytes[...]) { #expect(batch.count == count) }
        }
    }
}
