/// Gives out the offsets of one store, each later than every one before it, for whichever stream.
///
/// One issuer serves all streams of a store: so a name that is deleted and made again, or a clock that steps back,
/// repeats no offset, and an offset of one stream is never mistaken for one of another.
@available(freshet 0.1, *)
package struct OffsetIssuer: Sendable {
    /// The highest offset given out, or the mark a durable store had written ahead.
    package private(set) var highest: Offset

    package init(startingAbove highest: Offset = Offset(milliseconds: 0, counter: 0)) {
        self.highest = highest
    }

    /// The next offset at the given wall-clock time. A full counter borrows the next millisecond.
    package mutating func next(wallMilliseconds: UInt64) -> Offset {
        let now = min(wallMilliseconds, Offset.maximumMilliseconds)
        if now > highest.milliseconds {
            highest = Offset(milliseconds: now, counter: 0)
        } else {
            highest = highest.advanced(by: 1)
        }
        return highest
    }

    /// The first of a number of offsets that follow each other, which all are given out.
    package mutating func next(_ count: Int, wallMilliseconds: UInt64) -> Offset {
        precondition(count > 0, "no offset is given out to nobody")
        let first = next(wallMilliseconds: wallMilliseconds)
        highest = first.advanced(by: count - 1)
        return first
    }
}
