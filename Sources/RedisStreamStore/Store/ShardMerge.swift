import StreamCore

/// Puts the names of a range that stand in many sorted sets into one order, asking each set for some at a time.
@available(freshet 0.1, *)
struct ShardMerge {
    private struct Shard {
        var names: ArraySlice<[UInt8]> = []
        /// The last name that it gave.
        var last: [UInt8]?
        var isOver = false
    }

    private var shards = [Shard](repeating: Shard(), count: StreamKeys.indexShards)
    private let lower: [UInt8]
    private let isAfter: Bool
    private let upper: [UInt8]?

    /// - Parameter after: strictly later than this one only.
    init(_ range: NameRanges.Range, after: String?) {
        let first = Array((after ?? "").utf8)
        isAfter = after != nil && !first.lexicographicallyPrecedes(range.lower)
        lower = isAfter ? first : range.lower
        upper = range.upper
    }

    /// The shards that must be asked before the next name is known.
    var hungry: [Int] { shards.indices.filter { shards[$0].names.isEmpty && !shards[$0].isOver } }

    func command(for shard: Int, key: [UInt8], limit: Int) -> RedisCommand {
        var command = RedisCommand("ZRANGEBYLEX")
        command.add(key)
        if let last = shards[shard].last {
            command.add([UInt8(ascii: "(")] + last)
        } else if lower.isEmpty {
            command.add("-")
        } else {
            command.add([UInt8(ascii: isAfter ? "(" : "[")] + lower)
        }
        if let upper { command.add([UInt8(ascii: "(")] + upper) } else { command.add("+") }
        command.add("LIMIT")
        command.add(0)
        command.add(limit)
        return command
    }

    mutating func feed(_ shard: Int, _ names: [[UInt8]], isAll: Bool) {
        shards[shard].names = names[...]
        shards[shard].last = names.last ?? shards[shard].last
        shards[shard].isOver = isAll
    }

    /// The next name; nil when there is none, or a shard is hungry.
    mutating func next() -> [UInt8]? {
        guard hungry.isEmpty else { return nil }
        var least: Int?
        for index in shards.indices {
            guard let name = shards[index].names.first else { continue }
            if let least, let other = shards[least].names.first, !name.lexicographicallyPrecedes(other) { continue }
            least = index
        }
        return least.flatMap { shards[$0].names.popFirst() }
    }
}
