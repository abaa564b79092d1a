/// Gives out the offsets of one store, each later than every one before it, for whichever stream.
///
/// One issuer serves all streams of a store: so a name that is deleted and made again, or a clock that steps back,
/// repeats no offset, and an offset of one stream is never mistaken for one of another.
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
        } else if highest.counter < Offset.maximumCounter {
            highest = Offset(milliseconds: highest.milliseconds, counter: highest.counter + 1)
        } else {
            highest = Offset(milliseconds: highest.milliseconds + 1, counter: 0)
        }
        return highest
    }
}
