import Freshet
import FreshetServer

extension HummingbirdStreams {
    /// How streams are served inside an application. The defaults are those of `freshet serve`.
    ///
    /// What belongs to connections, such as their number, the size of heads and the time between requests, is the
    /// application's.
    public struct Configuration: Sendable, Hashable {
        /// Origins whose pages may read and write, as `scheme://host[:port]`, beside the application's own. The routes
        /// of streams answer CORS themselves: leave them out of a CORS middleware.
        public var allowedOrigins: [String] = []
        /// Beginnings of names under which a POST to an unknown stream creates it; `*` for every stream.
        public var createOnPost: [String] = []
        /// Beginnings of names whose catch-up reads a shared cache may keep; `*` for every stream.
        public var publicCache: [String] = []
        /// Silence on a live read after which a heartbeat is written.
        public var heartbeat: Duration = .seconds(10)
        /// What `retry:` tells an `EventSource`.
        public var retry: Duration = .seconds(2)
        /// How long a reader of a name that does not exist yet is held.
        public var hold: Duration = .seconds(60)
        /// How long a reader may take nothing before it is cut off.
        public var writeStall: Duration = .seconds(30)
        /// The largest body of one atomic append, in bytes.
        public var bodyBytes = 8 << 20
        /// The longest line of a live body, in bytes.
        public var lineBytes = 1 << 20
        /// The most names that do not exist yet and are waited for.
        public var heldNames = 1000
        /// The most readers that wait for such names.
        public var heldReaders = 10_000
        /// How long an application that was told to stop serves open producers and their readers.
        public var drainDeadline: Duration = .seconds(20)

        /// The defaults.
        public init() {}

        func settings(_ streams: EventStreams.Configuration) throws(SetupError) -> ServerConfiguration {
            var server = EmbeddedServer.Configuration()
            server.allowedOrigins = allowedOrigins
            server.createOnPost = createOnPost
            server.publicCache = publicCache
            server.heartbeat = heartbeat
            server.retry = retry
            server.hold = hold
            server.writeStall = writeStall
            server.bodyBytes = bodyBytes
            server.lineBytes = lineBytes
            server.heldNames = heldNames
            server.heldReaders = heldReaders
            server.drainDeadline = drainDeadline
            return try ServerConfiguration(server, streams, authorises: true)
        }
    }
}
