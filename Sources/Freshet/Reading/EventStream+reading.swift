@available(freshet 0.1, *)
extension EventStream {
    /// What a reader is told, in the order it happened.
    public enum Update: Sendable, Hashable {
        /// An event.
        case event(Event)
        /// What follows does not continue what came before: the position that was asked for is no longer kept, or was
        /// none of this stream. Discard what is held and begin anew; everything that is kept after `resumed` follows.
        case gap(requested: Offset?, resumed: Offset)
        /// The stream ended. Nothing follows.
        case end(End)
        /// The stream is no longer there. Nothing follows.
        case removed(Removal)
    }

    /// The events after a position: those that are kept, then each as it is appended, then the end with its reason.
    ///
    /// ```swift
    /// for try await update in stream.events() {
    ///     if case .event(let event) = update { print(event.text) }
    /// }
    /// ```
    ///
    /// A reader is a cursor into the log. While it does not ask for the next update it holds at most a page of events
    /// (64 events or 64 KiB, at least one), misses nothing, and delays nobody; what it falls behind is read from the
    /// store. Reading replays and then follows without a seam: no event comes twice, none is left out, and a gap is
    /// told.
    ///
    /// A stream that does not exist yet is waited for, unless a position of it is asked for: then the read throws
    /// ``EventStreamError`` with the code `notFound`. The read throws `CancellationError` when its task is cancelled,
    /// so that an interrupted read is not taken for a complete one, and `stopped` when the server stops.
    ///
    /// - Parameter position: where to begin; from the start unless something else is said.
    public func events(after position: Position = .start) -> Events {
        Events(stream: self, position: position)
    }

    /// The events after the one with an id, such as the last one that was seen.
    public func events(after id: Offset) -> Events { events(after: .offset(id)) }

    /// The updates of a stream. Every iterator reads for itself, from the same position.
    public struct Events: AsyncSequence, Sendable {
        /// What is read.
        public typealias Element = Update

        let stream: EventStream
        let position: Position

        /// Begins to read with the first call of `next()`.
        public func makeAsyncIterator() -> Iterator { Iterator(reader: StreamReader(stream, from: position)) }

        /// Reads one update at a time.
        public struct Iterator: AsyncIteratorProtocol {
            let reader: StreamReader

            /// The next update; nil after the end or the removal.
            public mutating func next() async throws -> Update? { try await reader.next() }
        }
    }
}

/// Of one iterator at a time.
@available(freshet 0.1, *)
@available(*, unavailable)
extension EventStream.Events.Iterator: Sendable {}
