package import FreshetServer

extension EmbeddedServer {
    /// How the server listens and what it serves. The defaults are those of `freshet serve`, which is loopback only.
    ///
    /// What each setting may be is told by ``SetupError`` where it is not, and by the page `configuration.md`.
    public struct Configuration: Sendable, Hashable {
        package private(set) var settings = ServerConfiguration()

        /// The address to bind, without brackets for IPv6. Beyond loopback the server starts only with ``keys``, with a
        /// closure that authorises, or with ``open``.
        public var host: String {
            get { settings.host }
            set { settings.host = newValue }
        }
        /// The TCP port; 0 takes a free one.
        public var port: Int {
            get { settings.port }
            set { settings.port = newValue }
        }
        /// Threads that carry connections; nil for one on each core.
        public var eventLoops: Int? {
            get { settings.eventLoops }
            set { settings.eventLoops = newValue }
        }
        /// The path of a file of bearer keys and the rights that each gives; nil for none.
        public var keys: String? {
            get { settings.keys }
            set { settings.keys = newValue }
        }
        /// Serve everybody who reaches the server without a key, beyond loopback too.
        public var open: Bool {
            get { settings.open }
            set { settings.open = newValue }
        }
        /// Origins whose pages may read and write, as `scheme://host[:port]`, beside the server's own.
        public var allowedOrigins: [String] {
            get { settings.allowedOrigins }
            set { settings.allowedOrigins = newValue }
        }
        /// Names beyond `localhost` and loopback addresses that a server bound to loopback answers to.
        public var hosts: [String] {
            get { settings.hosts }
            set { settings.hosts = newValue }
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
        /// How long a reader may take nothing before it is closed.
        public var writeStall: Duration {
            get { settings.writeStall }
            set { settings.writeStall = newValue }
        }
        /// The largest head of a request, in bytes.
        public var headerBytes: Int {
            get { settings.headerBytes }
            set { settings.headerBytes = newValue }
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
        /// How long a connection is kept between two requests.
        public var idle: Duration {
            get { settings.idle }
            set { settings.idle = newValue }
        }
        /// The most connections at one time. They are fewer where the process's limit of open files, which the server
        /// leaves as it is, has no room for so many.
        public var connections: Int {
            get { settings.connections }
            set { settings.connections = newValue }
        }
        /// The most connections from one address at one time; nil for no limit.
        public var connectionsPerAddress: Int? {
            get { settings.connectionsPerAddress }
            set { settings.connectionsPerAddress = newValue }
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
        /// How long a server that was told to stop serves open producers and their readers.
        public var drainDeadline: Duration {
            get { settings.drainDeadline }
            set { settings.drainDeadline = newValue }
        }

        /// The defaults.
        public init() {}

        /// The defaults, with another port, and another address unless that is nil.
        public init(host: String? = nil, port: Int) {
            if let host { self.host = host }
            self.port = port
        }

        /// Sets one of the settings that `configuration.md` names, also one without a
        /// property here, to a value as the configuration file would have it: `set("long-poll-seconds", to: "5")`.
        ///
        /// - Throws: ``SetupError`` for a name that is none of a server's settings, and for a value that is not
        /// allowed.
        public mutating func set(_ name: String, to value: String) throws(SetupError) {
            try settings.set(name, to: value, in: [.server, .requests])
        }
    }
}

extension ServerConfiguration {
    /// What is set for a server over streams that obey something too.
    package init(
        _ configuration: EmbeddedServer.Configuration,
        _ streams: EventStreams.Configuration,
        mounts: [Mount],
        authorises: Bool
    ) throws(SetupError) {
        try self.init(configuration.settings, streams, mounts: mounts, authorises: authorises)
    }

    /// - Throws: `SetupError` with everything that is wrong.
    package init(
        _ settings: ServerConfiguration,
        _ streams: EventStreams.Configuration,
        mounts: [Mount] = [],
        authorises: Bool
    ) throws(SetupError) {
        self = settings
        merge(streams.settings)
        for mount in mounts { merge(mount.settings) }
        let wrong = problems(authorises: authorises) + mounts.flatMap { $0.problems(authorises) }
        guard wrong.isEmpty else { throw SetupError(wrong) }
    }

    /// - Parameter reach: which settings can be set there.
    package mutating func set(_ name: String, to value: String, in reach: Set<SettingReach>) throws(SetupError) {
        do throws(Refusal) {
            try set(name, to: .text(value), of: SettingsTable.server.settings(in: reach))
        } catch {
            throw SetupError(["\(name): \(error.reason)"])
        }
    }
}
