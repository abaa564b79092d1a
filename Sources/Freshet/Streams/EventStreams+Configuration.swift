package import FreshetServer

@available(freshet 0.1, *)
extension EventStreams {
    /// What streams obey beyond what each was created with. The defaults are those of `freshet serve`.
    public struct Configuration: Sendable, Hashable {
        package private(set) var settings = ServerConfiguration()

        /// The largest event, in bytes of data; from 1 byte to 1 GiB.
        public var eventBytes: Int {
            get { settings.eventBytes }
            set { settings.eventBytes = newValue }
        }
        /// The most streams kept.
        public var streams: Int {
            get { settings.streams }
            set { settings.streams = newValue }
        }
        /// The most bytes of events kept, of all streams together; nil is 256 MiB in memory and 64 GiB in a directory.
        public var keptBytes: Int? {
            get { settings.keptBytes }
            set { settings.keptBytes = newValue }
        }
        /// The most bytes of data kept in all streams together that one caller of a server has created over HTTP, known by its key
        /// or by the name that your program gave it; nil for no limit. Streams that your program creates are nobody's.
        public var quotaBytes: Int? {
            get { settings.quotaBytes }
            set { settings.quotaBytes = newValue }
        }
        /// The age from which ended streams may be taken when the store is full; nil for never.
        public var endedAge: Duration? {
            get { settings.endedAge }
            set { settings.endedAge = newValue }
        }
        /// The lease that a stream without one gets when a streaming producer is torn away; nil for none.
        public var tornLease: Duration? {
            get { settings.tornLease }
            set { settings.tornLease = newValue }
        }

        /// The defaults.
        public init() {}
    }
}
