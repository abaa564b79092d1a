/// What can be said of a stream without reading it.
@available(freshet 0.1, *)
package struct StreamInfo: Sendable, Equatable {
    package var name: StreamName
    package var options: StreamOptions
    /// The first offset, minted when the stream was created: the tail of an empty stream.
    package var birth: Offset
    /// The offset of the last event retention took; the birth if none.
    package var floor: Offset
    /// The offset of the last event, or the birth.
    package var tail: Offset
    package var end: StreamEnd?
    /// Events and bytes of data that are kept.
    package var events: Int
    package var bytes: Int
    /// Where a fork came from; nil for every other stream.
    package var forkedFrom: ForkOrigin?

    package init(
        name: StreamName,
        options: StreamOptions,
        birth: Offset,
        floor: Offset,
        tail: Offset,
        end: StreamEnd?,
        events: Int,
        bytes: Int,
        forkedFrom: ForkOrigin? = nil
    ) {
        self.name = name
        self.options = options
        self.birth = birth
        self.floor = floor
        self.tail = tail
        self.end = end
        self.events = events
        self.bytes = bytes
        self.forkedFrom = forkedFrom
    }
}
