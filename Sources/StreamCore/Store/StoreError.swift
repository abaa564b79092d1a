/// Why a store could not do what it was asked. Nothing was changed, except where `outcomeUnknown` says otherwise.
@available(freshet 0.1, *)
package enum StoreError: Error, Equatable, Sendable {
    /// A bound of the whole store is reached, and what is kept may not be taken.
    case full(StoreBound)
    /// The streams of the stream's owner keep as many bytes as one owner's may.
    case ownerFull(limit: Int)
    /// The store cannot be reached now.
    case unavailable(String)
    /// The request may or may not have been kept. An idempotent producer finds out by asking again.
    case outcomeUnknown(String)
    /// What is kept of this stream fails its check.
    case damaged(String)
}

@available(freshet 0.1, *)
package enum StoreBound: String, Sendable {
    case streams, bytes, disk
}

/// The bounds of a whole store.
@available(freshet 0.1, *)
package struct StoreLimits: Hashable, Sendable {
    package var streams: Int
    /// Bytes of events, counted with what it costs to keep them.
    package var bytes: Int

    package init(streams: Int = 100_000, bytes: Int = 256 << 20) {
        self.streams = streams
        self.bytes = bytes
    }
    /// What an event costs beside its data: the log's entry and the array's header.
    package static let eventOverhead = 96
    /// What a stream costs beside its events.
    package static let streamOverhead = 512
    package static let producerOverhead = 96

    /// What a stream counts against the bound on bytes, the same in every store.
    package static func cost(events: Int, bytes: Int, producers: Int) -> Int {
        streamOverhead + bytes + events * eventOverhead + producers * producerOverhead
    }

    package static func cost(of events: EventBatch) -> Int { events.size + events.count * eventOverhead }
}
