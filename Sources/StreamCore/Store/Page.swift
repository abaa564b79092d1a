/// Where a reader wants to begin.
@available(freshet 0.1, *)
package enum ReadPosition: Hashable, Sendable {
    /// Before the first event.
    case start
    /// Behind the last event there is.
    case now
    /// Just after an event.
    case after(Offset)
}

/// How much one read may return. At least one event is returned where there is one, however large.
///
/// What nobody asks otherwise for is what a reader that follows takes at a time, the first page like every other:
/// enough to keep a fast one busy, little enough that a slow one holds little.
@available(freshet 0.1, *)
package struct PageLimit: Hashable, Sendable {
    package var events: Int
    package var bytes: Int

    package init(events: Int = 1000, bytes: Int = 64 * 1024) {
        self.events = events
        self.bytes = bytes
    }
}

/// A stretch of a stream.
@available(freshet 0.1, *)
package struct Page: Sendable {
    /// How the asked position stands to the log.
    package enum Standing: Hashable, Sendable {
        /// The events are exactly what follows the position.
        case exact
        /// Retention took events that follow the position; the page begins at the floor.
        case belowFloor
        /// No position this stream ever gave; the page begins at the floor.
        case unknown
    }

    package var standing: Standing
    package var events: [StreamEvent]
    /// The offset of the page's last event; without events the position the page stands at.
    package var last: Offset
    package var floor: Offset
    package var tail: Offset
    /// The end, when the page reaches it.
    package var end: StreamEnd?
    /// The asked position was the end itself: the reader has been told.
    package var isPastEnd: Bool
    package var contentType: ContentType

    package var isAtTail: Bool { last >= tail }

    package init(
        standing: Standing,
        events: [StreamEvent],
        last: Offset,
        floor: Offset,
        tail: Offset,
        end: StreamEnd?,
        isPastEnd: Bool,
        contentType: ContentType
    ) {
        self.standing = standing
        self.events = events
        self.last = last
        self.floor = floor
        self.tail = tail
        self.end = end
        self.isPastEnd = isPastEnd
        self.contentType = contentType
    }
}
