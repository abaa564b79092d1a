import StreamCore

/// One thing that happened to a stream, as the answer to a call or a message of Redis says it.
@available(freshet 0.1, *)
enum StreamNews {
    case created(birth: Offset)
    case committed(Commit)
    /// As `committed`, of which no more is known than where it begins, and that nothing of it is later than `mark`.
    case grown(previous: Offset, mark: Offset)
    /// Retention took everything up to this offset.
    case trimmed(floor: Offset)
    /// The stream that was born there is gone. No offset of it is later than `top`, where that is known.
    case removed(Removal, birth: Offset, top: Offset?)
    /// The claim stands no longer, although nobody gave it back.
    case superseded(StreamClaim)

    /// What one append made visible.
    struct Commit {
        /// The offset of the event before, or the birth.
        var previous: Offset
        /// The offset of the last event; `previous` when there is only an end.
        var last: Offset
        var end: StreamEnd?
        /// The events, unpacked only where somebody is told of them; nil where they are damaged.
        var events: () -> EventRun?
    }
}
