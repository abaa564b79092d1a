/// A stream as one store hands it to another: all that is known of it at one moment, but for its events.
@available(freshet 0.1, *)
package struct StreamRecord: Sendable, Equatable {
    /// The lease in its options is the one that holds now.
    package var info: StreamInfo
    /// The lease it was created with, which a second `PUT` is compared with.
    package var createdLeaseSeconds: Int?
    /// Where the log begins: the birth; for a fork where its source begins.
    package var origin: Offset
    /// What is remembered of idempotent producers, by their ids.
    package var producers: [String: ProducerState]
    /// The last `Stream-Seq`.
    package var sequence: String?
    /// The stamp of the request that ended the stream.
    package var closingStamp: ProducerStamp?
    /// How long ago it was last read or written, as far as the store was told.
    package var idle: Duration
    /// How long ago it ended; nil while it is open.
    package var endedAge: Duration?
    /// A streaming append was open when the process that held the store died.
    package var hadOpenProducer: Bool
    /// It is gone, and its name is kept for the forks it has: it has no events, and no end.
    package var isSoftDeleted: Bool

    package init(
        _ info: StreamInfo,
        createdLeaseSeconds: Int? = nil,
        origin: Offset? = nil,
        producers: [String: ProducerState] = [:],
        sequence: String? = nil,
        closingStamp: ProducerStamp? = nil,
        idle: Duration = .zero,
        endedAge: Duration? = nil,
        hadOpenProducer: Bool = false,
        isSoftDeleted: Bool = false
    ) {
        self.info = info
        self.createdLeaseSeconds = createdLeaseSeconds
        self.origin = origin ?? info.birth
        self.producers = producers
        self.sequence = sequence
        self.closingStamp = closingStamp
        self.idle = idle
        self.endedAge = endedAge
        self.hadOpenProducer = hadOpenProducer
        self.isSoftDeleted = isSoftDeleted
    }
}
