import StreamCore

/// What a stream's row and its log come to at some commit. The writer tells of it, and readers hold it.
struct StreamState {
    let number: Int64
    let name: StreamName
    let options: StreamOptions
    let birth: Offset
    /// Where the stream begins: its birth; for a fork where its source begins.
    let origin: Offset
    let forkedFrom: ForkOrigin?
    let leaseSeconds: Int?
    let floor: Offset
    let tail: Offset
    let end: StreamEnd?
    let events: Int
    let bytes: Int
    /// When it was last read, as far as the store was told, or appended to.
    let usedAt: Int64
    let hasOpenProducer: Bool
    /// Everything up to here is in chunks, or trimmed; what follows is in memory.
    let sealedThrough: Offset
    let firstChunk: Int64
    let nextChunk: Int64

    init(_ row: StreamRow, _ log: LogState) {
        number = row.number
        name = row.name
        options = row.options
        birth = row.birth
        origin = row.origin
        forkedFrom = row.forkedFrom
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
