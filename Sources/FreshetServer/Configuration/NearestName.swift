/// What somebody meant who wrote a name that does not exist.
@available(freshet 0.1, *)
package enum NearestName {
    /// The known name that is one slip or a few from the written one, or that it begins; nil if none is near.
    package static func of(_ written: String, among known: [String]) -> String? {
        let word = spelling(written)
        let tolerated = min(3, max(1, word.count / 3))
        let near = known.map { (name: $0, distance: distance(word, spelling($0))) }.min { $0.distance < $1.distance }
        if let near, near.distance <= tolerated {
            return near.name
        }
        return word.count < 3 ? nil : known.first { spelling($0).starts(with: word) }
    }

    /// `heartbeatSeconds`, `heartbeat_seconds` and `HEARTBEAT-SECONDS` are the same slip away: none.
    private static func spelling(_ name: String) -> [UInt8] {
        name.utf8.filter { $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "_") }
            .map { UInt8(ascii: "A")...UInt8(ascii: "Z") ~= $0 ? $0 | 0x20 : $0 }
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        guard a.count <= 100 else {
            return .max
        }
        var beforeLast: [Int] = []
        var last = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var row = [i + 1]
            for (j, y) in b.enumerated() {
                var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (x == y ? 0 : 1))
                if i > 0, j > 0, x == b[j - 1], a[i - 1] == y {
                    best = min(best, beforeLast[j - 1] + 1)
                }
                row.append(best)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
