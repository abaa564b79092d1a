package import Logging
package import SQLiteStreamStore

/// Everything that can be set about a server, validated.
///
/// The values here are the defaults. How each is written in flags, environment and file, and what it may be, is said
/// once, in `ServerSettings`.
package struct ServerConfiguration: Sendable, Equatable {
    // Where it listens
    /// The address to bind, without brackets for IPv6.
    package var host = "127.0.0.1"
    /// The TCP port; 0 lets the system choose.
    package var port = 4437
    /// Threads that carry connections; nil for one on each core.
    package var eventLoops: Int?

    // Who may
    /// Serve everybody who reaches it, without keys, beyond loopback too.
    package var open = false
    /// Path of the keys file.
    package var keys: String?
    /// Origins whose pages may read and write, as `scheme://host[:port]`.
    package var allowedOrigins: [String] = []
    /// Names beyond `localhost` and loopback addresses that a server bound to loopback answers to.
    package var hosts: [String] = []
    /// Mark session cookies `Secure` even where no proxy says that the browser came by https.
    package var secureCookie = false
    /// How long a session cookie is good for.
    package var sessionLifetime: Duration = .seconds(86_400)
    /// Whether `freshet doctor` finds its probe here; nil for where only this machine reaches the server.
    package var probe: Bool?

    // Where streams are kept
    /// The data directory.
    package var data = ServerConfiguration.defaultData
    /// Keep streams in memory only, whatever directory is named.
    package var memory = false
    package var durability = Durability.fsync

    /// Where `freshet serve` keeps streams when nothing else is said.
    package static let defaultData = "./freshet-data"

    // Streams
    /// Names under which a POST to an unknown stream creates it.
    package var createOnPost: [StreamPrefix] = []
    /// Names whose catch-up reads a shared cache may keep.
    package var publicCache: [StreamPrefix] = []
    /// The lease that a torn live POST gives to a stream without one; nil for none.
    package var tornLease: Duration? = .seconds(60)

    // Reading
    /// Silence on a live read after which a heartbeat is written.
    package var heartbeat: Duration = .seconds(10)
    /// Whether the heartbeat is an event that pages see, instead of a comment.
    package var heartbeatEvent = false
    /// Whether live reads say `Content-Encoding: identity`, which keeps some proxies from compressing them.
    package var identityEncoding = false
    /// What `retry:` tells an `EventSource`.
    package var retry: Duration = .milliseconds(2000)
    /// How long a reader of a name that does not exist yet is held.
    package var hold: Duration = .seconds(60)
    /// How long a Durable Streams long-poll waits.
    package var longPoll: Duration = .seconds(20)
    /// How long a Durable Streams `live=sse` read goes on.
    package var liveSSE: Duration = .seconds(60)
    /// How long a reader may take nothing before it is closed.
    package var writeStall: Duration = .seconds(30)

    // Requests
    /// The largest head of a request, in bytes.
    package var headerBytes = 16 * 1024
    /// The longest time from the first byte of a request's head to its last.
    package var headerTime: Duration = .seconds(10)
    /// How long a connection is kept between two requests.
    package var idle: Duration = .seconds(75)
    /// The largest body of one atomic append, in bytes.
    package var bodyBytes = 8 * 1024 * 1024
    /// The longest silence within the body of an atomic append. A live body may be silent.
    package var bodyIdle: Duration = .seconds(30)
    /// The largest event, in bytes of data.
    package var eventBytes = 1024 * 1024
    /// The longest line of a live body, in bytes.
    package var lineBytes = 1024 * 1024

    // How much of everything
    /// The most connections at one time.
    package var connections = 10_000
    /// The most connections from one address at one time; nil for no limit.
    package var connectionsPerAddress: Int? = 1000
    /// The most streams kept.
    package var streams = 100_000
    /// The most bytes of events kept, of all streams together; nil for what suits where they are kept.
    package var keptBytes: Int?
    /// The age from which ended streams may be taken when the store is full; nil for never.
    package var endedAge: Duration?
    /// The most names that do not exist yet and are waited for.
    package var heldNames = 1000
    /// The most readers that wait for such names.
    package var heldReaders = 10_000

    // Relay
    /// The providers of language models that calls are relayed to; none for no relay.
    package var upstreams: [UpstreamSetting] = []
    /// How long an answer is kept, from its beginning.
    package var relayAnswerLifetime: Duration = .seconds(86_400)
    /// How long an answer may be without any reader before it is stopped.
    package var relayUnread: Duration = .seconds(600)
    /// How long an upstream may be silent.
    package var relayIdle: Duration = .seconds(600)
    /// The most answers that are written at one time.
    package var relayAnswers = 1000
    /// The largest body of a call to a model, in bytes.
    package var relayBodyBytes = 32 * 1024 * 1024

    // Running
    /// How long a server that was told to stop serves open producers and their readers.
    package var drainDeadline: Duration = .seconds(20)
    /// The least important messages that are logged.
    package var logLevel: Logger.Level = .info

    package init() {}

    /// Whether only this machine can reach the address it binds.
    package var isLoopback: Bool {
        guard let name = (Authority(parsing: host) ?? Authority(parsing: "[\(host)]"))?.host else {
            return false
        }
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4Loopback = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
        return name == "localhost" || name == "[::1]" || isIPv4Loopback
    }
}
