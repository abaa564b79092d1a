/// Names in their order by bytes, so that a page of a list is a range of them: what is not in it costs nothing.
///
/// A name comes and goes in some microseconds among a million: they are kept in blocks of a few hundred, of which a
/// change moves one.
@available(freshet 0.1, *)
package struct OrderedNames: Sendable {
    private static let blockSize = 512
    private static let sliceSize = 64

    /// In order, none empty.
    private var blocks: [[StreamName]] = []
    package private(set) var count = 0

    package init() {}

    /// - Parameter names: each once, in any order.
    package init(_ names: some Sequence<StreamName>) {
        let sorted = names.sorted { $0.precedes($1) }
        count = sorted.count
        for start in stride(from: 0, to: sorted.count, by: Self.blockSize / 2) {
            blocks.append(Array(sorted[start..<min(start + Self.blockSize / 2, sorted.count)]))
        }
    }

    package mutating func insert(_ name: StreamName) {
        guard !blocks.isEmpty else {
            blocks = [[name]]
            count = 1
            return
        }
        // Behind the last name of all it goes into the last block.
        let place = place { !$0.precedes(name) }
        let block = min(place.block, blocks.count - 1)
        let index = place.block == block ? place.index : blocks[block].count
        if index < blocks[block].count, blocks[block][index] == name { return }
        blocks[block].insert(name, at: index)
        count += 1
        guard blocks[block].count > Self.blockSize else { return }
        let half = blocks[block].count / 2
        blocks.insert(Array(blocks[block][half...]), at: block + 1)
        blocks[block].removeSubrange(half...)
    }

    package mutating func remove(_ name: StreamName) {
        let place = place { !$0.precedes(name) }
        guard place.block < blocks.count, blocks[place.block][place.index] == name else { return }
        count -= 1
        blocks[place.block].remove(at: place.index)
        if blocks[place.block].isEmpty { return _ = blocks.remove(at: place.block) }
        // Blocks that have become small are one again: else a long life of comings and goings would leave many of one.
        let next = place.block + 1
        guard next < blocks.count, blocks[place.block].count + blocks[next].count <= Self.blockSize / 2 else { return }
        blocks[place.block].append(contentsOf: blocks[next])
        blocks.remove(at: next)
    }

    /// Those of some names that come after one: in order, up to a limit.
    package func page(_ names: NameRanges, after: String?, limit: Int) -> [StreamName] {
        var found: [StreamName] = []
        let first = Array((after ?? "").utf8)
        for range in names.ranges(beyond: first) where found.count < limit {
            let isAfter = after != nil && !first.lexicographicallyPrecedes(range.lower)
            var place =
                isAfter
                ? place { first.precedes($0) }
                : place { !$0.precedes(range.lower) }
            while place.block < blocks.count, found.count < limit {
                let name = blocks[place.block][place.index]
                guard range.reaches(name) else { break }
                found.append(name)
                place.index += 1
                if place.index == blocks[place.block].count { place = Place(block: place.block + 1, index: 0) }
            }
        }
        return found
    }

    /// A page that is put together from small ones, so that whoever holds a lock for each holds it for a moment only.
    ///
    /// - Parameter slice: what there is after a name, up to a limit; less only where no more follow.
    package static func slices<Value, Failure: Error>(
        after: String?,
        limit: Int,
        _ slice: (_ after: String?, _ limit: Int) throws(Failure) -> [(name: StreamName, value: Value)]
    ) throws(Failure) -> [Value] {
        var found: [Value] = []
        var last = after
        while found.count < limit {
            let wanted = min(sliceSize, limit - found.count)
            let part = try slice(last, wanted)
            for (_, value) in part { found.append(value) }
            guard part.count == wanted else { break }
            last = part.last?.name.text
        }
        return found
    }

    /// Where a name stands: behind all of them in a block that is not there.
    private struct Place {
        var block: Int
        var index: Int
    }

    /// The first place at which a property holds that holds for all that follow too.
    private func place(where holds: (StreamName) -> Bool) -> Place {
        let block = Self.firstIndex(blocks.count) { holds(blocks[$0][blocks[$0].count - 1]) }
        guard block < blocks.count else { return Place(block: block, index: 0) }
        return Place(block: block, index: Self.firstIndex(blocks[block].count) { holds(blocks[block][$0]) })
    }

    private static func firstIndex(_ count: Int, where holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

@available(freshet 0.1, *)
extension StreamName {
    package func precedes(_ other: StreamName) -> Bool { text.utf8.lexicographicallyPrecedes(other.text.utf8) }

    func precedes(_ bytes: [UInt8]) -> Bool { text.utf8.lexicographicallyPrecedes(bytes) }
}

@available(freshet 0.1, *)
extension [UInt8] {
    fileprivate func precedes(_ name: StreamName) -> Bool { lexicographicallyPrecedes(name.text.utf8) }
}
