import StreamCore

/// The state of one stream's log after some commit.
@available(freshet 0.1, *)
struct LogState: Equatable {
    var tail: Offset
    /// Counted since the stream was made, whatever was trimmed since.
    var appendedEvents = 0
    var appendedBytes = 0
    var end: StreamEnd?
    /// When it ended, on the store's clock in milliseconds.
    var endedAt: Int64 = 0
    var closingStamp: ProducerStamp?
    var sequence: String?
    var producers: [String: ProducerState] = [:]
    /// When something was last appended.
    var appendedAt: Int64 = 0

    init(tail: Offset) {
        self.tail = tail
    }

    /// Takes what one append did.
    mutating func apply(_ frame: Frame, at now: Int64) {
        if let last = frame.events.lastOffset { tail = last }
        appendedEvents += frame.events.count
        appendedBytes += frame.events.size
        appendedAt = now
        if let stamp = frame.producer {
            producers[stamp.id] = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
        }
        if let next = frame.sequence { sequence = next }
        if let end = frame.end {
            self.end = end
            endedAt = now
            closingStamp = frame.producer
        }
    }
}

/// What is kept of one stream beside its events: what it is, and its log's state up to what is sealed. The appends
/// since are in the hot rows.
@available(freshet 0.1, *)
struct StreamRow: Equatable {
    var number: Int64
    var name: StreamName
    var options: StreamOptions
    var birth: Offset
    /// Where the stream begins: its birth; for a fork where its source begins, since they share their offsets.
    var origin: Offset
    var forkedFrom: ForkOrigin?
    /// The lease as it was last set.
    var leaseSeconds: Int?
    /// A streaming append is open, or was when the process died.
    var hasOpenProducer = false
    /// It is gone; some of its chunks are not yet.
    var isRemoved = false
    /// It is gone and has forks: its name is kept for them.
    var isTombstone = false
    /// When it was last read, as far as the store was told.
    var touchedAt: Int64 = 0

    var floor: Offset
    /// What retention took.
    var trimmedEvents = 0
    var trimmedBytes = 0
    /// Chunks in use are those from `firstChunk`; the ones from `lowestChunk` are yet to be deleted.
    var lowestChunk: Int64 = 0
    var firstChunk: Int64 = 0
    var nextChunk: Int64 = 0

    /// The log up to a hot row, that one included.
    var sealed: LogState
    var sealedHot: Int64

    init(number: Int64, name: StreamName, options: StreamOptions, birth: Offset, after hot: Int64, at now: Int64) {
        self.number = number
        self.name = name
        self.options = options
        self.birth = birth
        origin = birth
        leaseSeconds = options.leaseSeconds
        touchedAt = now
        floor = birth
        sealed = LogState(tail: birth)
        sealedHot = hot
    }

    var encoded: [UInt8] {
        var writer = RowWriter()
        writer.text(name.text)
        writer.text(options.contentType.text)
        switch options.expiry {
        case nil: writer.number(0)
        case .idle(let seconds):
            writer.number(1)
            writer.number(seconds)
        case .at(let moment):
            writer.number(2)
            writer.number(moment)
        }
        writer.optional(options.leaseSeconds)
        writer.optional(options.retention.seconds)
        writer.optional(options.retention.bytes)
        writer.optional(options.retention.events)
        writer.base(birth)
        writer.optional(leaseSeconds)
        writer.number(
            (hasOpenProducer ? 1 : 0) | (isRemoved ? 2 : 0) | (isTombstone ? 4 : 0) | (forkedFrom == nil ? 0 : 8)
                | (options.responseFields.isEmpty ? 0 : 16) | (options.owner == nil ? 0 : 32)
        )
        writer.number(touchedAt)
        writer.base(floor)
        writer.number(trimmedEvents)
        writer.number(trimmedBytes)
        writer.number(lowestChunk)
        writer.number(firstChunk)
        writer.number(nextChunk)
        writer.number(sealedHot)
        writer.log(sealed)
        if let forkedFrom {
            writer.base(origin)
            writer.origin(forkedFrom)
        }
        if !options.responseFields.isEmpty {
            writer.number(options.responseFields.count)
            for field in options.responseFields {
                writer.text(field.name)
                writer.text(field.value)
            }
        }
        if let owner = options.owner { writer.text(owner) }
        return writer.finished(.stream, key: number)
    }

    init(_ bytes: [UInt8], number: Int64) throws(RowDamage) {
        var reader = try RowReader(bytes, .stream, key: number)
        self.number = number
        guard let name = try? StreamName(try reader.text()), let type = ContentType(try reader.text()) else {
            throw RowDamage()
        }
        self.name = name
        options = StreamOptions(contentType: type)
        switch try reader.number() {
        case 0: break
        case 1: options.expiry = .idle(seconds: try reader.integer())
        case 2: options.expiry = .at(wallMilliseconds: try reader.number())
        default: throw RowDamage()
        }
        options.leaseSeconds = try reader.optionalInteger()
        options.retention.seconds = try reader.optionalInteger()
        options.retention.bytes = try reader.optionalInteger()
        options.retention.events = try reader.optionalInteger()
        birth = try reader.base()
        origin = birth
        leaseSeconds = try reader.optionalInteger()
        let flags = try reader.number()
        hasOpenProducer = flags & 1 != 0
        isRemoved = flags & 2 != 0
        isTombstone = flags & 4 != 0
        touchedAt = try reader.integer64()
        floor = try reader.base()
        trimmedEvents = try reader.integer()
        trimmedBytes = try reader.integer()
        lowestChunk = try reader.integer64()
        firstChunk = try reader.integer64()
        nextChunk = try reader.integer64()
        sealedHot = try reader.integer64()
        sealed = try reader.log()
        if flags & 8 != 0 {
            origin = try reader.base()
            forkedFrom = try reader.origin()
        }
        if flags & 16 != 0 {
            for _ in 0..<(try reader.integer()) {
                let field = StreamOptions.ResponseField(name: try reader.text(), value: try reader.text())
                options.responseFields.append(field)
            }
        }
        if flags & 32 != 0 { options.owner = try reader.text() }
        guard reader.isAtEnd else { throw RowDamage() }
    }
}

@available(freshet 0.1, *)
extension RowWriter {
    fileprivate mutating func origin(_ origin: ForkOrigin) {
        text(origin.source.text)
        number(origin.beyond)
        // A fork always knows the offset where it begins, unless that is its source's start.
        guard case .after(let offset) = origin.point else { return number(0) }
        number(1)
        base(offset)
    }

    fileprivate mutating func log(_ log: LogState) {
        base(log.tail)
        number(log.appendedEvents)
        number(log.appendedBytes)
        number(log.appendedAt)
        let flags = (log.end == nil ? 0 : 1) | (log.closingStamp == nil ? 0 : 2) | (log.sequence == nil ? 0 : 4)
        number(flags)
        if let end = log.end {
            self.end(end)
            number(log.endedAt)
        }
        if let stamp = log.closingStamp { self.stamp(stamp) }
        if let sequence = log.sequence { text(sequence) }
        number(log.producers.count)
        for (id, state) in log.producers {
            stamp(ProducerStamp(id: id, epoch: state.epoch, sequence: state.sequence))
        }
    }
}

@available(freshet 0.1, *)
extension RowReader {
    fileprivate mutating func origin() throws(RowDamage) -> ForkOrigin {
        guard let source = try? StreamName(try text()) else { throw RowDamage() }
        let beyond = try integer()
        let point: ReadPosition = try number() == 0 ? .start : .after(try base())
        return ForkOrigin(source: source, point: point, beyond: beyond)
    }

    fileprivate mutating func log() throws(RowDamage) -> LogState {
        var log = LogState(tail: try base())
        log.appendedEvents = try integer()
        log.appendedBytes = try integer()
        log.appendedAt = try integer64()
        let flags = try number()
        if flags & 1 != 0 {
            log.end = try end()
            log.endedAt = try integer64()
        }
        if flags & 2 != 0 { log.closingStamp = try stamp() }
        if flags & 4 != 0 { log.sequence = try text() }
        let count = try integer()
        for _ in 0..<count {
            let stamp = try stamp()
            log.producers[stamp.id] = ProducerState(epoch: stamp.epoch, sequence: stamp.sequence)
        }
        return log
    }
}
