import StreamCore

/// A message of a stream's channel (section 3 of the contract of the functions).
///
/// A line of words, and behind it the packed events and the end.
@available(freshet 0.1, *)
enum StreamMessage {
    /// What it says: nothing where it is of a kind that only later versions know; nil when it is damaged.
    static func news(in bytes: [UInt8]) -> [StreamNews]? {
        guard let lineFeed = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let words = bytes[..<lineFeed].split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        let body = bytes[(lineFeed + 1)...]
        func offset(_ index: Int) -> Offset? { index < words.count ? Offset(decimal: words[index]) : nil }
        switch words.first.map(Array.init) {
        case Array("c".utf8):
            return offset(1).map { [.created(birth: $0)] }
        case Array("i".utf8):
            guard let previous = offset(1) else { return nil }
            return item(after: previous, Array(words.dropFirst(3)), body).map { [.committed($0)] }
        case Array("b".utf8):
            guard let previous = offset(1), let mark = offset(2) else { return nil }
            return [.grown(previous: previous, mark: mark)]
        case Array("t".utf8):
            return offset(1).map { [.trimmed(floor: $0)] }
        case Array("r".utf8):
            guard let birth = offset(1), words.count > 2,
                let removal = Removal(rawValue: String(decoding: words[2], as: UTF8.self))
            else { return nil }
            return [.removed(removal, birth: birth, top: offset(3))]
        case Array("s".utf8):
            guard words.count > 1, let claim = StreamClaim(String(decoding: words[1], as: UTF8.self)) else {
                return nil
            }
            return [.superseded(claim)]
        default:
            return []
        }
    }

    /// One run of an item, not yet unpacked.
    private struct Run {
        var first: Offset
        var count: Int
        var packed: ArraySlice<UInt8>
    }

    /// The number of runs, and for each its first offset, its field, and how many bytes it has.
    private static func item(
        after previous: Offset,
        _ words: [ArraySlice<UInt8>],
        _ body: ArraySlice<UInt8>
    ) -> StreamNews.Commit? {
        guard let count = words.first.flatMap(number), words.count == 1 + 3 * count else { return nil }
        var rest = body
        var runs: [Run] = []
        for index in 0..<count {
            let words = words[(1 + 3 * index)...]
            guard let first = Offset(decimal: words[words.startIndex]),
                let events = RunField(words[words.startIndex + 1])?.events,
                let length = number(words[words.startIndex + 2]), length <= rest.count
            else { return nil }
            runs.append(Run(first: first, count: events, packed: rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        let end = StreamEnd(wire: rest)
        guard end != nil || rest.isEmpty else { return nil }
        let last = runs.last.map { $0.first.advanced(by: $0.count - 1) } ?? previous
        return StreamNews.Commit(previous: previous, last: last, end: end) { events(of: runs) }
    }

    private static func events(of runs: [Run]) -> EventRun? {
        guard let first = runs.first else { return [] }
        var batch = EventBatch()
        var isOne = true
        var offsets: [Offset] = []
        for run in runs {
            guard let events = PackedRun.batch(of: run.count, in: run.packed) else { return nil }
            if run.first != first.first.advanced(by: batch.count) { isOne = false }
            if runs.count == 1 { return EventRun(events, from: run.first) }
            for index in 0..<run.count { offsets.append(run.first.advanced(by: index)) }
            batch.append(contentsOf: events)
        }
        return isOne ? EventRun(batch, from: first.first) : EventRun(batch, at: offsets)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int? { RunField.number(bytes) }
}
