import FreshetServer
import StreamCore

extension EventStreams {
    /// What streams obey beyond what each was created with. The defaults are those of `freshet serve`.
    public struct Configuration: Sendable, Hashable {
        /// The largest event, in bytes of data; from 1 byte to 1 GiB.
        public var eventBytes = 1 << 20
        /// The most streams kept.
        public var streams = 100_000
        /// The most bytes of events kept, of all streams together; nil is 256 MiB in memory and 64 GiB in a directory.
        public var keptBytes: Int?
        /// The age from which ended streams may be taken when the store is full; nil for never.
        public var endedAge: Duration?
        /// The lease that a stream without one gets when a live producer is torn away; nil for none.
        public var tornLease: Duration? = .seconds(60)

        /// The defaults.
        public init() {}
    }
}

extension ServerConfiguration {
    mutating func take(_ configuration: EventStreams.Configuration) {
        eventBytes = configuration.eventBytes
        streams = configuration.streams
        keptBytes = configuration.keptBytes
        endedAge = configuration.endedAge
        tornLease = configuration.tornLease
    }
}
