import StreamCore

/// What `read` replies.
@available(freshet 0.1, *)
struct PageReply {
    /// A run as it is kept.
    struct Run {
        var first: Offset
        var field: RunField
        var packed: [UInt8]

        var last: Offset { first.advanced(by: field.events - 1) }

        /// The events, each with its offset; nil when they are damaged.
        var events: EventRun? {
            PackedRun.batch(of: field.events, in: packed[...]).map { EventRun($0, from: first) }
        }
    }

    var standing: Page.Standing
    var after: Offset
    var floor: Offset
    var tail: Offset
    var end: StreamEnd?
    var isPastEnd: Bool
    /// What the stream was created with.
    var options: StreamOptions
    var lag: Offset?
    var runs: [Run]

    init(_ reply: Reply) throws(ReplyDamage) {
        switch try reply.text(1) {
        case "exact": standing = .exact
        case "belowFloor": standing = .belowFloor
        case "unknown": standing = .unknown
        default: throw ReplyDamage()
        }
        after = try reply.offset(2)
        floor = try reply.offset(3)
        tail = try reply.offset(4)
        end = try reply.end(5)
        isPastEnd = try reply.integer(6) == 1
        options = try StreamOptions(blob: try reply.bytes(7))
        lag = try reply.optionalOffset(8)
        let list = try reply.list(9)
        guard list.count.isMultiple(of: 3) else { throw ReplyDamage() }
        runs = []
        runs.reserveCapacity(list.count / 3)
        for index in stride(from: 0, to: list.count, by: 3) {
            guard let first = list[index].bytes.flatMap({ Offset(decimal: $0) }),
                let field = list[index + 1].bytes.flatMap({ RunField($0) }), let packed = list[index + 2].bytes
            else { throw ReplyDamage() }
            runs.append(Run(first: first, field: field, packed: packed))
        }
    }

    /// The page, cut at its limits: the first run may begin before the position, and the last one reach too far.
    func page(within limit: PageLimit) throws(ReplyDamage) -> Page {
        var events: [StreamEvent] = []
        var size = 0
        cutting: for run in runs {
            guard let all = run.events else { throw ReplyDamage() }
            for index in all.index(after: after)..<all.endIndex {
                guard events.count < limit.events else { break cutting }
                size += all.size(at: index)
                if size > limit.bytes, !events.isEmpty { break cutting }
                events.append(all[index])
            }
        }
        let last = events.last?.offset ?? after
        return Page(
            standing: standing,
            events: events,
            last: last,
            floor: floor,
            tail: tail,
            end: last == tail ? end : nil,
            isPastEnd: isPastEnd,
            contentType: options.contentType
        )
    }
}
