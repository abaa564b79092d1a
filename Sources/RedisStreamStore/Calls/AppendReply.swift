import StreamCore

/// What `append` and `finish` reply.
@available(freshet 0.1, *)
enum AppendReply {
    /// It was kept.
    struct Kept {
        var previous: Offset
        /// The offset of the first event; nil where there was none.
        var first: Offset?
        var tail: Offset
        var end: StreamEnd?
        /// Where retention took something.
        var floor: Offset?
        var takenEvents: Int
        var takenBytes: Int
        var newProducers: Int
        /// What confirms it, where it is not durable yet.
        var lag: Offset?
    }

    case kept(Kept)
    /// It was not, or was kept before. The lag is what that tells of and is not durable yet.
    case other(AppendOutcome, lag: Offset?)
    /// The claim stands no longer, and the stream has ended: the end comes first.
    case endedBeyondClaim

    init(_ reply: Reply) throws(ReplyDamage) {
        switch reply.word {
        case "appended":
            self = .kept(
                Kept(
                    previous: try reply.offset(1),
                    first: try reply.optionalOffset(2),
                    tail: try reply.offset(3),
                    end: try reply.end(4),
                    floor: try reply.optionalOffset(5),
                    takenEvents: try reply.integer(6),
                    takenBytes: try reply.integer(7),
                    newProducers: try reply.integer(8),
                    lag: try reply.optionalOffset(9)
                )
            )
        case "duplicate":
            guard let producer = try reply.producer(3) else { throw ReplyDamage() }
            let outcome = AppendOutcome.duplicate(tail: try reply.offset(1), end: try reply.end(2), producer: producer)
            self = .other(outcome, lag: try reply.optionalOffset(5))
        case "ended":
            guard let end = try reply.end(1) else { throw ReplyDamage() }
            let outcome = AppendOutcome.ended(end, tail: try reply.offset(2), producer: try reply.producer(3))
            self = .other(outcome, lag: try reply.optionalOffset(5))
        case "none", "gone": self = .other(.notFound, lag: nil)
        case "superseded": self = try reply.end(1) == nil ? .other(.superseded, lag: nil) : .endedBeyondClaim
        case "type":
            self = .other(.typeMismatch(try StreamOptions(blob: try reply.bytes(1)).contentType), lag: nil)
        case "fenced": self = .other(.fenced(currentEpoch: try reply.unsigned(1)), lag: nil)
        case "epoch": self = .other(.epochMustStartAtZero, lag: nil)
        case "gap": self = .other(.gap(expected: try reply.unsigned(1), received: try reply.unsigned(2)), lag: nil)
        case "sequence": self = .other(.sequenceRegression(last: try reply.text(1)), lag: nil)
        case "withheld": self = .other(.withheld, lag: nil)
        default: throw ReplyDamage()
        }
    }
}
