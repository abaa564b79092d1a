import StreamCore

/// What a fork takes from its source: chunks as they are, and what is left of the log up to where the fork leaves it.
@available(freshet 0.1, *)
struct ForkCopy {
    /// The source, and its chunks that are shared as a whole.
    var source: WriterStream
    var chunks: Range<Int64>
    /// What follows them.
    var rest: [ChunkRow]
    /// The part of an event that was cut, which becomes the fork's own first event.
    var part: EventBody?
}
