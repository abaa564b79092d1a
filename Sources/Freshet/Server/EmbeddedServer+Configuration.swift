package import FreshetServer

@available(freshet 0.1, *)
extension EmbeddedServer {
    /// How the server listens and what it serves. The defaults are those of `freshet serve`, which is loopback only.
    ///
    /// What each setting may be is told by ``SetupError`` where it is not, and by the page `configuration.md`. Those of
    /// requests are in ``RequestSettings``.
    public struct Configuration: RequestSettings, Sendable, Hashable {
        /// Everything that is set, with or without a property.
        public var values = SettingValues()

        /// The address to bind, without brackets for IPv6. Beyond loopback the server starts only with ``keys``, with
        /// ``SignedTokens``, with a closure that authorises, or with ``open``.
        public var host: String {
            get { values.core.host }
            set { values.core.host = newValue }
        }
        /// The TCP port; 0 takes a free one.
        public var port: Int {
            get { values.core.port }
            set { values.core.port = newValue }
        }
        /// The path of a PEM file of the server's certificate and the chain towards its root. With it and ``tlsKey`` the
        /// port speaks TLS and nothing else; nil for clear text.
        public var tlsCertificate: String? {
            get { values.core.tlsCertificate }
            set { values.core.tlsCertificate = newValue }
        }
        /// The path of a PEM file of the certificate's private key.
        public var tlsKey: String? {
            get { values.core.tlsKey }
            set { values.core.tlsKey = newValue }
        }
        /// The path of a file whose first line is the password of an encrypted ``tlsKey``.
        public var tlsKeyPasswordFile: String? {
            get { values.core.tlsKeyPasswordFile }
            set { values.core.tlsKeyPasswordFile = newValue }
        }
        /// With TLS, a second port that speaks clear text, on 127.0.0.1 only; 0 takes a free one, nil is none.
        public var clearTextPort: Int? {
            get { values.core.clearTextPort }
            set { values.core.clearTextPort = newValue }
        }
        /// Whether HTTP/2 is offered over TLS.
        public var http2: Bool {
            get { values.core.http2 }
            set { values.core.http2 = newValue }
        }
        /// Whether HTTP/2 is spoken in clear text too, with clients that begin with it (prior knowledge).
        public var http2ClearText: Bool {
            get { values.core.http2ClearText }
            set { values.core.http2ClearText = newValue }
        }
        /// The most requests at one time on one HTTP/2 connection; each reader is one.
        public var http2Streams: Int {
            get { values.core.http2Streams }
            set { values.core.http2Streams = newValue }
        }
        /// The most requests at one time on all HTTP/2 connections of one address; nil for no limit.
        public var streamsPerAddress: Int? {
            get { values.core.streamsPerAddress }
            set { values.core.streamsPerAddress = newValue }
        }
        /// Threads that carry connections; nil for one on each core.
        public var eventLoops: Int? {
            get { values.core.eventLoops }
            set { values.core.eventLoops = newValue }
        }
        /// The path of a file of bearer keys and the rights that each gives; nil for none.
        public var keys: String? {
            get { values.core.keys }
            set { values.core.keys = newValue }
        }
        /// Serve everybody who reaches the server without a key, beyond loopback too.
        public var open: Bool {
            get { values.core.open }
            set { values.core.open = newValue }
        }
        /// Names beyond `localhost` and loopback addresses that a server bound to loopback answers to.
        public var hosts: [String] {
            get { values.core.hosts }
            set { values.core.hosts = newValue }
        }
        /// The largest head of a request, in bytes.
        public var headerBytes: Int {
            get { values.core.headerBytes }
            set { values.core.headerBytes = newValue }
        }
        /// How long a connection is kept between two requests.
        public var idle: Duration {
            get { values.core.idle }
            set { values.core.idle = newValue }
        }
        /// The most connections at one time. They are fewer where the process's limit of open files, which the server
        /// leaves as it is, has no room for so many.
        public var connections: Int {
            get { values.core.connections }
            set { values.core.connections = newValue }
        }
        /// The most connections from one address at one time; nil for no limit.
        public var connectionsPerAddress: Int? {
            get { values.core.connectionsPerAddress }
            set { values.core.connectionsPerAddress = newValue }
        }

        /// The path of a file to which a JSON object is added for each request, on a line of its own; `-` is standard output,
        /// nil for none. ``EmbeddedServer/reopenAccessLog()`` opens it again.
        public var accessLog: String? {
            get { values.core.accessLog }
            set { values.core.accessLog = newValue }
        }

        /// The defaults.
        public init() {}

        /// The defaults, with another port, and another address unless that is nil.
        public init(host: String? = nil, port: Int) {
            if let host { self.host = host }
            self.port = port
        }

        /// Sets one of the settings that `configuration.md` names, also one without a property here, to a value as the
        /// configuration file would have it: `set("long-poll-seconds", to: "5")`.
        ///
        /// - Throws: ``SetupError`` for a name that is none of a server's settings, and for a value that is not
        /// allowed.
        public mutating func set(_ name: String, to value: String) throws(SetupError) {
            try values.core.set(name, to: value, in: [.server, .requests])
        }
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// What is set for a server over streams that obey something too.
    package init(
        _ configuration: EmbeddedServer.Configuration,
        _ streams: EventStreams.Configuration,
        mounts: [Mount],
        hasTokens: Bool,
        authorises: Bool
    ) throws(SetupError) {
        try self.init(
            configuration.values.core,
            streams,
            mounts: mounts,
            hasTokens: hasTokens,
            authorises: authorises
        )
    }

    /// - Parameters:
    ///   - hasTokens: signed tokens say who asks.
    ///   - authorises: a closure of the program does.
    /// - Throws: `SetupError` with everything that is wrong.
    package init(
        _ settings: ServerConfiguration,
        _ streams: EventStreams.Configuration,
        mounts: [Mount] = [],
        hasTokens: Bool,
        authorises: Bool
    ) throws(SetupError) {
        self = settings
        merge(streams.settings)
        for mount in mounts { merge(mount.settings) }
        var wrong = problems(authorises: authorises || hasTokens) + mounts.flatMap { $0.problems(authorises) }
        if hasTokens, self.open {
            wrong.append(
                "open: there are issuers of tokens, and open says that nobody needs one. Take one of the two out"
            )
        }
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
