package import FreshetServer

extension EmbeddedServer {
    /// How the server listens and what it serves. The defaults are those of `freshet serve`, which is loopback only.
    ///
    /// What each setting may be is told by ``SetupError`` where it is not, and by the page `configuration.md`.
    public struct Configuration: Sendable, Hashable {
        /// The address to bind, without brackets for IPv6. Beyond loopback the server starts only with ``keys``, with a
        /// closure that authorises, or with ``open``.
        public var host = "127.0.0.1"
        /// The TCP port; 0 takes a free one.
        public var port = 4437
        /// Threads that carry connections; nil for one on each core.
        public var eventLoops: Int?

        /// The path of a file of bearer keys and the rights that each gives; nil for none.
        public var keys: String?
        /// Serve everybody who reaches the server without a key, beyond loopback too.
        public var open = false
        /// Origins whose pages may read and write, as `scheme://host[:port]`, beside the server's own.
        public var allowedOrigins: [String] = []
        /// Names beyond `localhost` and loopback addresses that a server bound to loopback answers to.
        public var hosts: [String] = []

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
        /// How long a reader may take nothing before it is closed.
        public var writeStall: Duration = .seconds(30)

        /// The largest head of a request, in bytes.
        public var headerBytes = 16 << 10
        /// The largest body of one atomic append, in bytes.
        public var bodyBytes = 8 << 20
        /// The longest line of a live body, in bytes.
        public var lineBytes = 1 << 20
        /// How long a connection is kept between two requests.
        public var idle: Duration = .seconds(75)

        /// The most connections at one time.
        public var connections = 10_000
        /// The most connections from one address at one time; nil for no limit.
        public var connectionsPerAddress: Int? = 1000
        /// The most names that do not exist yet and are waited for.
        public var heldNames = 1000
        /// The most readers that wait for such names.
        public var heldReaders = 10_000

        /// How long a server that was told to stop serves open producers and their readers.
        public var drainDeadline: Duration = .seconds(20)

        /// The defaults.
        public init() {}

        /// The defaults, with another address.
        public init(host: String = "127.0.0.1", port: Int) {
            self.host = host
            self.port = port
        }
    }
}

extension ServerConfiguration {
    /// What is set for a server over streams that obey something too.
    package init(
        _ configuration: EmbeddedServer.Configuration,
        _ streams: EventStreams.Configuration,
        authorises: Bool
    ) throws(SetupError) {
        self.init()
        take(streams)
        host = configuration.host
        port = configuration.port
        eventLoops = configuration.eventLoops
        keys = configuration.keys
        open = configuration.open
        allowedOrigins = configuration.allowedOrigins
        hosts = configuration.hosts
        heartbeat = configuration.heartbeat
        retry = configuration.retry
        hold = configuration.hold
        writeStall = configuration.writeStall
        headerBytes = configuration.headerBytes
        bodyBytes = configuration.bodyBytes
        lineBytes = configuration.lineBytes
        idle = configuration.idle
        connections = configuration.connections
        connectionsPerAddress = configuration.connectionsPerAddress
        heldNames = configuration.heldNames
        heldReaders = configuration.heldReaders
        drainDeadline = configuration.drainDeadline
        var wrong: [String] = []
        createOnPost = Self.prefixes(configuration.createOnPost, "createOnPost", &wrong)
        publicCache = Self.prefixes(configuration.publicCache, "publicCache", &wrong)
        wrong += problems(authorises: authorises)
        guard wrong.isEmpty else { throw SetupError(wrong) }
    }

    static func prefixes(_ texts: [String], _ setting: String, _ wrong: inout [String]) -> [StreamPrefix] {
        var prefixes: [StreamPrefix] = []
        for text in texts {
            do throws(Refusal) {
                prefixes.append(try StreamPrefix(parsing: text))
            } catch {
                wrong.append("\(setting): \(error.reason)")
            }
        }
        return prefixes
    }
}
