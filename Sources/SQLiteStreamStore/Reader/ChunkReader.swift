import StreamCore

/// A read that begins in a chunk, as it was planned.
@available(freshet 0.1, *)
struct ChunkRead: Sendable {
    var name: StreamName
    var stream: Int64
    /// The chunks there were.
    var chunks: Range<Int64>
    var after: Offset
    /// Everything from the first chunk on that is later than the floor is asked for.
    var isAtFloor: Bool
    /// The offset is what a reader came with: it may be none that this stream gave.
    var isAsked: Bool
    /// The last offset in the chunks.
    var through: Offset
    var standing: Page.Standing
    var limit: PageLimit
}

@available(freshet 0.1, *)
enum ChunkContents: Sendable {
    case events([StreamEvent])
    /// The offset was none of this stream's.
    case unknown
    /// A chunk is not there: the log moved on, or it is damaged.
    case missing(Int64)
}

/// Reads chunks over a connection of its own, one row a query, so that no read holds the write-ahead log.
@available(freshet 0.1, *)
final class ChunkReader {
    private let database: Database
    private let select: Statement
    private let lastOf: Statement
    private var cache: ChunkCache

    init(_ database: Database, cacheBytes: Int) throws(SQLiteError) {
        self.database = database
        cache = ChunkCache(limit: cacheBytes)
        select = try database.prepare("SELECT ms, n, data FROM chunk WHERE id = ?")
        lastOf = try database.prepare("SELECT ms, n FROM chunk WHERE id = ?")
    }

    func read(_ read: ChunkRead) throws(StoreError) -> ChunkContents {
        do throws(SQLiteError) {
            guard let first = try read.isAtFloor ? read.chunks.lowerBound : find(read) else {
                return .missing(read.chunks.lowerBound)
            }
            var events: [StreamEvent] = []
            var budget = read.limit.budget
            var last = read.after
            for index in first..<read.chunks.upperBound {
                guard let chunk = try load(read.stream, index) else { return .missing(index) }
                if index == first {
                    // A chunk that begins later than the offset means that one before it is gone.
                    guard chunk.previous <= read.after else { return .missing(index) }
                    if read.isAsked, !chunk.has(read.after) { return .unknown }
                } else if chunk.previous != last {
                    return .missing(index)
                }
                events += budget.take(chunk.events, after: read.after)
                last = chunk.last
                if budget.isSpent { break }
            }
            return .events(events)
        } catch {
            if error.isDamage { throw Self.damage(read, error.description) }
            throw error.storeError
        }
    }

    static func damage(_ read: ChunkRead, _ what: String) -> StoreError {
        .damaged(
            "Events of the stream \(read.name) after \(read.after), up to \(read.through) at most, fail their check "
                + "(\(what)). \(SQLiteError.remedy)"
        )
    }

    /// The chunk that holds an offset, or begins with it: the first whose last offset is later.
    private func find(_ read: ChunkRead) throws(SQLiteError) -> Int64? {
        var low = read.chunks.lowerBound
        var high = read.chunks.upperBound
        while low < high {
            let middle = (low + high) / 2
            guard let last = try last(of: Schema.chunkKey(read.stream, middle)) else { return nil }
            if last <= read.after { low = middle + 1 } else { high = middle }
        }
        return low < read.chunks.upperBound ? low : nil
    }

    private func last(of key: Int64) throws(SQLiteError) -> Offset? {
        lastOf.bind(1, key)
        defer { lastOf.reset() }
        guard try lastOf.step() else { return nil }
        return Offset(stored: lastOf.integer(0), lastOf.integer(1))
    }

    private func load(_ stream: Int64, _ index: Int64) throws(SQLiteError) -> ChunkCache.Chunk? {
        let key = Schema.chunkKey(stream, index)
        if let chunk = cache[key] { return chunk }
        guard let row = try Self.row(key, select) else { return nil }
        let chunk = ChunkCache.Chunk(previous: row.previous, events: row.events)
        cache.keep(chunk, key)
        return chunk
    }

    /// One chunk, checked; nil when there is none.
    static func row(_ key: Int64, _ select: Statement) throws(SQLiteError) -> ChunkRow? {
        select.bind(1, key)
        defer { select.reset() }
        guard try select.step() else { return nil }
        do throws(RowDamage) {
            guard let last = Offset(stored: select.integer(0), select.integer(1)) else { throw RowDamage() }
            return try ChunkRow(select.bytes(2), key: key, last: last)
        } catch {
            throw SQLiteError.damagedRow("reading a chunk")
        }
    }
}

@available(freshet 0.1, *)
extension Offset {
    /// An offset from two columns; nil when they hold none.
    init?(stored milliseconds: Int64, _ counter: Int64) {
        guard milliseconds >= 0, milliseconds <= Int64(Offset.maximumMilliseconds) else { return nil }
        guard counter >= 0, counter <= Int64(Offset.maximumCounter) else { return nil }
        self.init(milliseconds: UInt64(milliseconds), counter: UInt32(counter))
    }
}
