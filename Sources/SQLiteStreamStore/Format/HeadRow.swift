/// What holds for the whole database, written with every commit: so no row of the others can be missing, doubled or
/// left behind in an older state without being noticed.
@available(freshet 0.1, *)
struct HeadRow: Equatable {
    static let key: Int64 = 1

    /// The streams there are, and the sum of the checksums of their rows.
    var streams = 0
    var streamSum: UInt64 = 0
    /// The hot rows there are; all between exist. The last one stays known when there is none.
    var firstHot: Int64 = 1
    var lastHot: Int64 = 0
    /// The number of the next stream. Never used twice.
    var nextStream: Int64 = 1
    /// No offset of this millisecond or a later one was given out.
    var mark: UInt64 = 0
    /// The store's clock, and what the wall clock said at the same moment.
    var clock: Int64 = 0
    var wall: UInt64 = 0
    /// The rows of the outbox, the sum of their checksums, and the number of the next one, which is never used twice.
    var outboxRows = 0
    var outboxSum: UInt64 = 0
    var nextOutboxRow: Int64 = 1

    var encoded: [UInt8] {
        var writer = RowWriter()
        writer.number(streams)
        writer.number(streamSum)
        writer.number(firstHot)
        writer.number(lastHot)
        writer.number(nextStream)
        writer.number(mark)
        writer.number(clock)
        writer.number(wall)
        writer.number(outboxRows)
        writer.number(outboxSum)
        writer.number(nextOutboxRow)
        return writer.finished(.head, key: Self.key)
    }

    init() {}

    init(_ bytes: [UInt8]) throws(RowDamage) {
        var reader = try RowReader(bytes, .head, key: Self.key)
        streams = try reader.integer()
        streamSum = try reader.number()
        firstHot = try reader.integer64()
        lastHot = try reader.integer64()
        nextStream = try reader.integer64()
        mark = try reader.number()
        clock = try reader.integer64()
        wall = try reader.number()
        // One of a version without an outbox.
        guard !reader.isAtEnd else { return }
        outboxRows = try reader.integer()
        outboxSum = try reader.number()
        nextOutboxRow = try reader.integer64()
    }
}
