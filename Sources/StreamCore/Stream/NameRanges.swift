/// A set of names, as ranges of their order by bytes: what somebody may see of a list, so that a page of it costs
/// nothing for what lies between.
package struct NameRanges: Sendable, Equatable {
    /// From a text to before another, or to the end.
    private struct Range: Sendable, Equatable {
        var lower: [UInt8]
        var upper: [UInt8]?

        func reaches(_ name: StreamName) -> Bool {
            upper.map { name.text.utf8.lexicographicallyPrecedes($0) } ?? true
        }

        var isEmpty: Bool { upper.map { !lower.lexicographicallyPrecedes($0) } ?? false }
    }

    /// Apart from each other, and in order.
    private var ranges: [Range]

    /// The names that begin with any of these texts.
    package init(prefixes: some Sequence<String>) {
        ranges = []
        for bytes in prefixes.map({ Array($0.utf8) }).sorted(by: { $0.lexicographicallyPrecedes($1) })
        where !(ranges.last.map { bytes.starts(with: $0.lower) } ?? false) {
            ranges.append(Range(lower: bytes, upper: Self.end(ofPrefix: bytes)))
        }
    }

    /// Those of them that begin with a text.
    package func beginning(with prefix: String) -> NameRanges {
        let lower = Array(prefix.utf8)
        return cut(from: lower, to: Self.end(ofPrefix: lower))
    }

    /// Those of them that do not begin with a text.
    package func without(prefix: String) -> NameRanges {
        let lower = Array(prefix.utf8)
        var rest = cut(from: [], to: lower)
        if let end = Self.end(ofPrefix: lower) { rest.ranges += cut(from: end, to: nil).ranges }
        return rest
    }

    /// What there is under the names of a sorted collection that are among them and come after one: in order, up to a
    /// limit, and without those under which there is nothing any more.
    package func values<Value>(
        in sorted: [StreamName],
        after: String?,
        limit: Int,
        _ value: (StreamName) -> Value?
    ) -> [Value] {
        var found: [Value] = []
        var index = 0
        if let after { index = sorted.firstIndex(from: 0) { after.utf8.lexicographicallyPrecedes($0.text.utf8) } }
        for range in ranges where found.count < limit {
            index = sorted.firstIndex(from: index) { !$0.text.utf8.lexicographicallyPrecedes(range.lower) }
            while index < sorted.count, found.count < limit, range.reaches(sorted[index]) {
                if let value = value(sorted[index]) { found.append(value) }
                index += 1
            }
        }
        return found
    }

    private func cut(from lower: [UInt8], to upper: [UInt8]?) -> NameRanges {
        var result = self
        result.ranges = ranges.compactMap { range in
            var range = range
            if range.lower.lexicographicallyPrecedes(lower) { range.lower = lower }
            if let upper, range.upper.map({ upper.lexicographicallyPrecedes($0) }) ?? true { range.upper = upper }
            return range.isEmpty ? nil : range
        }
        return result
    }

    /// The least text that is greater than all that begin with this one; nil when there is none.
    private static func end(ofPrefix prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 < 0xFF }) else { return nil }
        return prefix[..<last] + [prefix[last] + 1]
    }
}

extension [StreamName] {
    /// The first index, from one on, at which a property holds that holds for all that follow too.
    fileprivate func firstIndex(from start: Int, where holds: (StreamName) -> Bool) -> Int {
        var low = start
        var high = count
        while low < high {
            let middle = low + (high - low) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
