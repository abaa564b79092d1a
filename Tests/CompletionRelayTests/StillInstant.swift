/// An instant of a clock that stands still: how far it is from now.
struct StillInstant: InstantProtocol {
    var offset: Duration

    func advanced(by duration: Duration) -> StillInstant { StillInstant(offset: offset + duration) }
    func duration(to other: StillInstant) -> Duration { other.offset - offset }
    static func < (left: StillInstant, right: StillInstant) -> Bool { left.offset < right.offset }
}
