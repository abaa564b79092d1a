import StoreSuite
import StreamCore
import Testing

@testable import RedisStreamStore

@Suite("Names of many shards in one order")
struct ShardMergeTests {
    @Test("are each told once, whatever their shards give at a time", arguments: [1, 2, 7, 100])
    func order(portion: Int) throws {
        var random = SeededRandom(seed: UInt64(portion))
        let all = (0..<500).map { StreamName.known("n/\($0)é\(UInt8.random(in: 0...9, using: &random))") }
        let sorted = all.map { Array($0.text.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
        for after in [nil, "n/3", String(decoding: sorted[17], as: UTF8.self)] {
            for prefix in ["", "n/1", "x"] {
                let names = NameRanges(prefixes: [prefix])
                var told: [[UInt8]] = []
                for range in names.ranges(beyond: Array((after ?? "").utf8)) {
                    var merge = ShardMerge(range, after: after)
                    var given = [Int: Int]()
                    let shards = Dictionary(grouping: sorted) {
                        StreamName.known(String(decoding: $0, as: UTF8.self)).indexShard
                    }
                    while true {
                        for shard in merge.hungry {
                            // What Redis would give, asked as it is.
                            let rest = (shards[shard] ?? []).filter { name in
                                name.starts(with: Array(prefix.utf8))
                                    && (after.map { Array($0.utf8).lexicographicallyPrecedes(name) } ?? true)
                            }.dropFirst(given[shard] ?? 0)
                            let some = Array(rest.prefix(portion))
                            given[shard, default: 0] += some.count
                            merge.feed(shard, some, isAll: some.count < portion)
                        }
                        guard let next = merge.next() else { break }
                        told.append(next)
                    }
                }
                let expected = sorted.filter { name in
                    name.starts(with: Array(prefix.utf8))
                        && (after.map { Array($0.utf8).lexicographicallyPrecedes(name) } ?? true)
                }
                #expect(told == expected)
            }
        }
    }
}
