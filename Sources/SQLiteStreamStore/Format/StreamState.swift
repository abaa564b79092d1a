import StreamCore

/// What a stream's row and its log come to at some commit. The writer tells of it, and readers hold it.
@available(freshet 0.1, *)
struct StreamState {
    let number: Int64
    let name: StreamName
    let options: StreamOptions
    let birth: Offset
    /// Where the stream begins: its birth; for a fork where its source begins.
    let origin: Offset
    let forkedFrom: ForkOrigin?
    private(set) var leaseSeconds: Int?
    private(set) var floor: Offset
    private(set) var tail: Offset
    private(set) var end: StreamEnd?
    private(set) var events = 0
    private(set) var bytes = 0
    /// When it was last read, as far as the store was told, or appended to.
    private(set) var usedAt: Int64 = 0
    private(set) var hasOpenProducer = false
    /// Everything up to here is in chunks, or trimmed; what follows is in memory.
    private(set) var sealedThrough: Offset
    private(set) var firstChunk: Int64 = 0
    private(set) var nextChunk: Int64 = 0

    init(_ row: StreamRow, _ log: LogState) {
        number = row.number
        name = row.name
        options = row.options
        birth = row.birth
        origin = row.origin
        forkedFrom = row.forkedFrom
        floor = row.floor
        tail = log.tail
        sealedThrough = row.sealed.tail
        follow(row, log)
    }

    /// Takes what a later commit changed: all but the name, the options and where it began.
    mutating func follow(_ row: StreamRow, _ log: LogState) {
        leaseSeconds = row.leaseSeconds
        floor = row.floor
        tail = log.tail
        end = log.end
        events = log.appendedEvents - row.trimmedEvents
        bytes = log.appendedBytes - row.trimmedBytes
        usedAt = max(row.touchedAt, log.appendedAt)
        hasOpenProducer = row.hasOpenProducer
        sealedThrough = row.sealed.tail
        firstChunk = row.firstChunk
        nextChunk = row.nextChunk
    }

    var info: StreamInfo {
        var options = options
        options.leaseSeconds = leaseSeconds
        return StreamInfo(
            name: name,
            options: options,
            birth: birth,
            floor: floor,
            tail: tail,
            end: end,
            events: events,
            bytes: bytes,
            forkedFrom: forkedFrom
        )
    }
}
