/// A set of names, as ranges of their order by bytes: what somebody may see of a list, so that a page of it costs
/// nothing for what lies between.
@available(freshet 0.1, *)
package struct NameRanges: Sendable, Equatable {
    /// From a text to before another, or to the end.
    package struct Range: Sendable, Equatable {
        package var lower: [UInt8]
        package var upper: [UInt8]?

        func reaches(_ name: StreamName) -> Bool { upper.map { name.precedes($0) } ?? true }

        /// Of two that begin alike the longer one is before.
        func begins(before other: Range) -> Bool {
            guard lower == other.lower else { return lower.lexicographicallyPrecedes(other.lower) }
            guard let upper, let end = other.upper else { return upper == nil && other.upper != nil }
            return end.lexicographicallyPrecedes(upper)
        }

        func holds(_ name: [UInt8]) -> Bool {
            !name.lexicographicallyPrecedes(lower) && upper.map { name.lexicographicallyPrecedes($0) } ?? true
        }

        var isEmpty: Bool { upper.map { !lower.lexicographicallyPrecedes($0) } ?? false }
    }

    /// Apart from each other, and in order.
    private var ranges: [Range]

    /// The names that begin with any of these texts, and some more by their whole text.
    package init(prefixes: some Sequence<String>, names: some Sequence<String> = EmptyCollection<String>()) {
        ranges = []
        let beginnings = prefixes.map { Array($0.utf8) }.map { Range(lower: $0, upper: Self.end(ofPrefix: $0)) }
        let single = names.map { Array($0.utf8) }.map { Range(lower: $0, upper: $0 + [0]) }
        // Two of them are apart, or one lies in the other.
        for range in (beginnings + single).sorted(by: { $0.begins(before: $1) })
        where !(ranges.last.map { $0.holds(range.lower) } ?? false) {
            ranges.append(range)
        }
    }

    /// Whether there is none.
    package var isEmpty: Bool { ranges.isEmpty }

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

    /// The ranges that do not end before a text, or with it.
    package func ranges(beyond text: [UInt8]) -> some Sequence<Range> {
        ranges.lazy.drop { range in range.upper.map { !text.lexicographicallyPrecedes($0) } ?? false }
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
