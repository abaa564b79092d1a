import StreamCore

@available(freshet 0.1, *)
extension EventStream {
    /// What can be said of a stream without reading it.
    public struct Info: Sendable, Hashable {
        /// Its name.
        public let name: String
        /// What it was created with; the lease is the one that holds now.
        public let options: Options
        /// The offset of its last event; of an empty stream the one that it was born with.
        public let tail: Offset
        /// The position before the first event that is kept.
        public let earliest: Offset
        /// How it ended; nil while it is open.
        public let end: End?
        /// How many events are kept.
        public let events: Int
        /// How many bytes of data are kept.
        public let bytes: Int
        /// How many follow it on this server now, in process or over HTTP.
        public let readers: Int
        /// How many streaming producers are at work on this server now, in process or over HTTP.
        public let producers: Int
        /// What is left of the lease; nil when none runs.
        public let leaseRemaining: Duration?
        /// What is left until it goes away by itself; nil when nothing counts down.
        public let expiresIn: Duration?

        init(_ info: StreamInfo, _ attendance: Streams.Attendance) {
            self.name = info.name.text
            self.options = Options(info.options)
            self.tail = Offset(info.tail)
            self.earliest = Offset(info.floor)
            self.end = info.end.map(End.init)
            self.events = info.events
            self.bytes = info.bytes
            self.readers = attendance.readers
            self.producers = attendance.openProducers
            self.leaseRemaining = info.end == nil ? attendance.leaseRemaining : nil
            self.expiresIn = attendance.expiresIn
        }
    }
}
