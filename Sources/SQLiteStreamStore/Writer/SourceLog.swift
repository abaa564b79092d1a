import StreamCore

/// The committed log of a stream that is to be forked, in its chunks and in memory.
@available(freshet 0.1, *)
struct SourceLog {
    private let stream: WriterStream
    private let statements: WriterStatements

    init(_ stream: WriterStream, _ statements: WriterStatements) {
        self.stream = stream
        self.statements = statements
    }

    private var chunks: Range<Int64> { stream.row.firstChunk..<stream.row.nextChunk }
    private var floor: Offset { stream.row.floor }

    /// How a point stands to the log, and the offset it comes to.
    func locate(_ point: ReadPosition) throws(SQLiteError) -> (Page.Standing, Offset) {
        switch point {
        case .now: return (.exact, stream.log.tail)
        case .start: return (floor == stream.row.origin ? .exact : .belowFloor, floor)
        case .after(let offset):
            if offset == floor || offset == stream.log.tail { return (.exact, offset) }
            if offset == stream.log.end?.offset { return (.exact, stream.log.tail) }
            if offset < stream.row.origin { return (.unknown, floor) }
            if offset < floor { return (.belowFloor, floor) }
            let isKnown =
                if offset == stream.row.sealed.tail {
                    // The last event of the last chunk, or what was before all events.
                    true
                } else if let index = try chunk(holding: offset) {
                    try load(index).events.contains(offset)
                } else {
                    stream.unsealed.contains(offset)
                }
            return (isKnown ? .exact : .unknown, offset)
        }
    }

    /// The last event that is shared when a fork goes some way beyond an offset, and what it gets of the next one; nil
    /// when it cannot.
    func cut(after offset: Offset, _ beyond: Int) throws(SQLiteError) -> (through: Offset, part: EventBody?)? {
        guard beyond > 0 else { return (offset, nil) }
        let walk = LogWalk(after: offset, from: try chunk(holding: offset) ?? chunks.upperBound, stream, statements)
        var passed: [Offset] = []
        let events = walk.lazy.map { kept in
            passed.append(kept.event.offset)
            return kept.event
        }
        let cut = ForkCut(events, beyond: beyond, kind: stream.row.options.contentType.kind)
        if let failure = walk.failure { throw failure }
        return cut.map { ($0.whole == 0 ? offset : passed[$0.whole - 1], $0.part) }
    }

    /// Everything kept up to an event: the chunks that are shared whole, what is shared beside them, and the count.
    func share(
        through offset: Offset,
        chunkBytes: Int
    ) throws(SQLiteError) -> (chunks: Range<Int64>, rest: [ChunkRow], events: Int, bytes: Int) {
        let row = stream.row
        let all = Count(
            events: stream.log.appendedEvents - row.trimmedEvents,
            bytes: stream.log.appendedBytes - row.trimmedBytes
        )
        guard let cut = try chunk(holding: offset) else {
            let rest = stream.unsealed.prefix(through: offset)
            let count = all - (Count(stream.unsealed) - Count(rest))
            let cutting = ChunkRow.cutting(rest, after: max(row.sealed.tail, floor), bytes: chunkBytes)
            return (chunks, cutting, count.events, count.bytes)
        }
        let last = try load(cut)
        let kept = last.events.suffix(after: floor)
        let shared = kept.prefix(through: offset)
        let whole = row.firstChunk..<cut
        // The shorter side is counted: chunks do not say how much they hold.
        var count: Count
        if whole.count <= row.nextChunk - cut {
            count = Count(shared)
            for index in whole { count += Count(try load(index).events.suffix(after: floor)) }
        } else {
            count = all - (Count(kept) - Count(shared)) - Count(stream.unsealed)
            for index in (cut + 1)..<row.nextChunk { count -= Count(try load(index).events) }
        }
        let cutting = ChunkRow.cutting(shared, after: max(last.previous, floor), bytes: chunkBytes)
        return (whole, cutting, count.events, count.bytes)
    }

    /// The chunk with an offset, or that begins with it; nil when what follows the offset is in memory.
    private func chunk(holding offset: Offset) throws(SQLiteError) -> Int64? {
        guard !chunks.isEmpty, offset < stream.row.sealed.tail else { return nil }
        var low = chunks.lowerBound
        var high = chunks.upperBound
        while low < high {
            let middle = (low + high) / 2
            let last = try statements.lastOffset(middle, of: stream)
            if last < offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func load(_ index: Int64) throws(SQLiteError) -> ChunkRow {
        try statements.chunk(index, of: stream)
    }

    private struct Count {
        var events: Int
        var bytes: Int

        init(events: Int, bytes: Int) {
            self.events = events
            self.bytes = bytes
        }

        init(_ log: EventLog) { self.init(events: log.count, bytes: log.size) }

        static func += (left: inout Self, right: Self) {
            left = Self(events: left.events + right.events, bytes: left.bytes + right.bytes)
        }

        static func -= (left: inout Self, right: Self) { left = left - right }

        static func - (left: Self, right: Self) -> Self {
            Self(events: left.events - right.events, bytes: left.bytes - right.bytes)
        }
    }
}
