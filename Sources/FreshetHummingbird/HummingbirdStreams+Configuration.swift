public import Freshet
import FreshetServer

extension HummingbirdStreams {
    /// How streams are served inside an application. The defaults are those of `freshet serve`.
    ///
    /// What belongs to connections, such as their number, the size of heads and the time between requests, is the
    /// application's.
    public struct Configuration: Sendable, Hashable {
        private var settings = ServerConfiguration()

        /// Origins whose pages may read and write, as `scheme://host[:port]`, beside the application's own. The routes
        /// of streams answer CORS themselves: leave them out of a CORS middleware.
        public var allowedOrigins: [String] {
            get { settings.allowedOrigins }
            set { settings.allowedOrigins = newValue }
        }
        /// Beginnings of names under which a POST to an unknown stream creates it; `*` for every stream.
        public var createOnPost: [String] {
            get { settings.createOnPost }
            set { settings.createOnPost = newValue }
        }
        /// Beginnings of names whose catch-up reads a shared cache may keep; `*` for every stream.
        public var publicCache: [String] {
            get { settings.publicCache }
            set { settings.publicCache = newValue }
        }
        /// How long a reader that follows hears nothing before a heartbeat is written.
        public var heartbeat: Duration {
            get { settings.heartbeat }
            set { settings.heartbeat = newValue }
        }
        /// What `retry:` tells an `EventSource`.
        public var retry: Duration {
            get { settings.retry }
            set { settings.retry = newValue }
        }
        /// How long a reader of a name that does not exist yet is held.
        public var hold: Duration {
            get { settings.hold }
            set { settings.hold = newValue }
        }
        /// How long a reader may take nothing before it is cut off.
        public var writeStall: Duration {
            get { settings.writeStall }
            set { settings.writeStall = newValue }
        }
        /// The largest body of one atomic append, in bytes.
        public var bodyBytes: Int {
            get { settings.bodyBytes }
            set { settings.bodyBytes = newValue }
        }
        /// The longest line of a streaming body, in bytes.
        public var lineBytes: Int {
            get { settings.lineBytes }
            set { settings.lineBytes = newValue }
        }
        /// The most names that do not exist yet and are waited for.
        public var heldNames: Int {
            get { settings.heldNames }
            set { settings.heldNames = newValue }
        }
        /// The most readers that wait for such names.
        public var heldReaders: Int {
            get { settings.heldReaders }
            set { settings.heldReaders = newValue }
        }
        /// How long an application that was told to stop serves open producers and their readers.
        public var drainDeadline: Duration {
            get { settings.drainDeadline }
            set { settings.drainDeadline = newValue }
        }

        /// The defaults.
        public init() {}

        /// Sets one of the settings that `configuration.md` names, also one without a property here, to a value as the
        /// configuration file would have it: `set("long-poll-seconds", to: "5")`.
        ///
        /// - Throws: `SetupError` for a name that is none of the settings of requests, and for a value that is not
        /// allowed.
        public mutating func set(_ name: String, to value: String) throws(SetupError) {
            try settings.set(name, to: value, in: [.requests])
        }

        func settings(_ streams: EventStreams.Configuration) throws(SetupError) -> ServerConfiguration {
            try ServerConfiguration(settings, streams, authorises: true)
        }
    }
}
