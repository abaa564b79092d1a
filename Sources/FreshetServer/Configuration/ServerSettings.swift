package import Logging
package import SQLiteStreamStore
package import StreamHTTP

@available(freshet 0.1, *)
let day: Duration = .seconds(86_400)

/// Every setting of the server, once: its name, what it may be, its default, and what it does.
///
/// Everything else follows this table: flags, environment, file, `--help`, `docs/configuration.md`, and what programs
/// that embed a server can set. A setting is read as `configuration.heartbeat` where it has an effect; to add one, add
/// it here. The relay's are in `RelaySettings`, those of tokens in `TokenSettings`, those of quotas in `QuotaSettings`,
/// those of webhooks in `HookSettings`, those of traces in `TraceSettings`, those of Redis in `RedisSettings`, and are read as if they
/// were here.
@available(freshet 0.1, *)
@dynamicMemberLookup
package struct ServerSettings: Sendable {
    let listening = Heading("Where it listens", in: .server)

    package let host = Setting<String>(
        "host",
        .bindHost,
        default: "127.0.0.1",
        "Address to listen on. Beyond loopback the server requires `keys`, an issuer of tokens (`jwt-…`) or `open`."
    )

    package let port = Setting<Int>(
        "port",
        .whole(0...65_535),
        default: 4437,
        "TCP port to listen on; 0 picks a free one."
    )

    package let eventLoops = Setting<Int?>(
        "event-loops",
        SettingKind<Int>.whole(1...1024).orNil("0", meaning: "one on each core"),
        default: nil,
        "Number of threads that serve connections."
    )

    let tls = Heading("TLS", in: .server)

    package let tlsCertificate = Setting<String?>(
        "tls-certificate",
        .path,
        default: nil,
        "PEM file of the server's certificate, followed by the chain towards its root. With it the port speaks TLS and "
            + "nothing else. SIGHUP reads it again, with the key."
    )

    package let tlsKey = Setting<String?>(
        "tls-key",
        .path,
        default: nil,
        "PEM file of the certificate's private key."
    )

    package let tlsKeyPasswordFile = Setting<String?>(
        "tls-key-password-file",
        .path,
        default: nil,
        "File whose first line is the password of an encrypted key."
    )

    package let clearTextPort = Setting<Int?>(
        "clear-text-port",
        SettingKind<Int>.whole(0...65_535).orNil("none", meaning: "no such port"),
        default: nil,
        "With TLS, a second port that speaks clear text, on 127.0.0.1 only: for health checks, metrics and a proxy on "
            + "this machine. 0 picks a free one."
    )

    let http2Heading = Heading("HTTP/2", in: .server)

    package let http2 = Setting<Bool>(
        "http2",
        .toggle,
        default: true,
        "Offer HTTP/2 over TLS (ALPN)."
    )

    package let http2ClearText = Setting<Bool>(
        "http2-clear-text",
        .toggle,
        default: false,
        "Speak HTTP/2 in clear text too, to clients that begin with it (prior knowledge): for a proxy in front."
    )

    package let http2Streams = Setting<Int>(
        "http2-streams",
        .whole(1...100_000),
        default: 250,
        "Maximum number of requests that are open at a time on one HTTP/2 connection. Each reader is one."
    )

    package let streamsPerAddress = Setting<Int?>(
        "streams-per-address",
        SettingKind<Int>.whole(1...10_000_000).orNil("0", meaning: "no limit"),
        default: 2000,
        "Maximum number of requests that are open at a time on all HTTP/2 connections from one address; more get 429. "
            + "Behind a proxy, set 0."
    )

    package let http2Resets = Setting<Int>(
        "http2-resets",
        .whole(1...1_000_000),
        default: 500,
        "Maximum number of requests that an HTTP/2 connection may take back in a second; beyond that it is closed."
    )

    package let http2ControlFrames = Setting<Int>(
        "http2-control-frames",
        .whole(1...1_000_000),
        default: 200,
        "Maximum number of PING, SETTINGS and PRIORITY frames on an HTTP/2 connection in a second; beyond that it is "
            + "closed."
    )

    package let http2EmptyFrames = Setting<Int>(
        "http2-empty-frames",
        .whole(0...10_000),
        default: 5,
        "Maximum number of empty DATA or CONTINUATION frames in a row on an HTTP/2 connection; beyond that it is closed."
    )

    let access = Heading("Access control", in: .server)

    package let keys = Setting<String?>(
        "keys",
        .path,
        default: nil,
        "File of bearer keys and the rights each one grants. SIGHUP reads it again."
    )

    package let open = Setting<Bool>(
        "open",
        .toggle,
        default: false,
        "Without keys, serve everyone who can reach the server, beyond loopback too."
    )

    package let allowedOrigins = Setting<[String]>(
        "allowed-origins",
        .origins,
        default: [],
        in: .requests,
        "Origins whose pages may read and write, in addition to the server's own. SIGHUP reads them again from the "
            + "settings file."
    )

    package let hosts = Setting<[String]>(
        "hosts",
        .hostNames,
        default: [],
        "Host names that a server on loopback accepts, in addition to localhost and the loopback addresses: those of a "
            + "proxy on this machine that passes Host on. Beyond loopback every name is accepted. SIGHUP reads them again from "
            + "the settings file."
    )

    package let publicURL = Setting<String?>(
        "public-url",
        .publicURL,
        default: nil,
        in: .requests,
        "URL by which clients reach the server behind a proxy, such as https://app.example/live: for Location and the links "
            + "of pages. Its host and origin are accepted as the server's own, and with https cookies are Secure."
    )

    package let secureCookie = Setting<Bool>(
        "secure-cookie",
        .toggle,
        default: false,
        in: .requests,
        "Always mark session cookies Secure, not only over TLS or when X-Forwarded-Proto says https."
    )

    package let sessionLifetime = Setting<Duration>(
        "session-seconds",
        .seconds(.seconds(60)...day * 400),
        default: .seconds(86_400),
        in: .requests,
        "How long a session cookie stays valid."
    )

    package let sessionSecretFile = Setting<String?>(
        "session-secret-file",
        .path,
        default: nil,
        in: .requests,
        "File of secrets of at least 32 bytes, one a line, that session cookies are signed with: the first signs, the "
            + "others still count. Nodes that share it take each other's cookies. Without it, the data directory "
            + "or Redis holds one. SIGHUP reads it again."
    )

    package let probe = Setting<Bool?>(
        "probe",
        SettingKind<Bool>.toggle.orNil("auto", meaning: "true on loopback only"),
        default: nil,
        "Answer the probe of freshet doctor, at /v1/probe. With keys, a probe needs a token signed with one of them."
    )

    package let tokens = TokenSettings()

    let keeping = Heading("Where streams are kept", in: .program)

    package let store = Setting<StoreSetting>(
        "store",
        .store,
        default: .directory,
        "Where streams are kept: in the directory that `data` names, in memory, or in a Redis or Valkey that several servers share. "
            + "With Redis any of them takes any request, and `data` means nothing."
    )

    package let data = Setting<String>(
        "data",
        .dataDirectory,
        default: "./freshet-data",
        "Directory that holds the streams; it is created if missing, and only one server can use it at a time. "
            + "`freshet demo` keeps them in memory unless you name a directory."
    )

    package let memory = Setting<Bool>(
        "memory",
        .toggle,
        default: false,
        "The same as `store: memory`: keep streams in memory only, whatever `data` says. They are lost when the server stops."
    )

    package let durability = Setting<Durability>(
        "durability",
        .durability,
        default: .fsync,
        "What an acknowledged event survives: fsync, a power loss; os, only a crash of the server."
    )

    package let redis = RedisSettings()

    package let telling = HookSettings()

    let streaming = Heading("Streams", in: .requests)

    package let createOnPost = Setting<[String]>(
        "create-on-post",
        .prefixes,
        default: [],
        "Under these prefixes a POST to an unknown stream creates it, with the content type of the body."
    )

    package let publicCache = Setting<[String]>(
        "public-cache",
        .prefixes,
        default: [],
        "Under these prefixes shared caches may store catch-up reads. Only for streams that everyone may read."
    )

    package let tornLease = Setting<Duration?>(
        "torn-lease-seconds",
        SettingKind<Duration>.seconds(.milliseconds(1)...day * 365).orNil("0", meaning: "none"),
        default: .seconds(60),
        in: .streams,
        "The lease that a stream without one gets when a streaming append breaks off: when it expires, the stream "
            + "is abandoned."
    )

    let reading = Heading("Reading", in: .requests)

    package let heartbeat = Setting<Duration>(
        "heartbeat-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(10),
        "How long a followed stream may be silent before a heartbeat is sent. Keep it below every proxy's idle "
            + "timeout."
    )

    package let heartbeatEvent = Setting<Bool>(
        "heartbeat-event",
        .toggle,
        default: false,
        "Send the heartbeat as an event that pages can see, not as a comment."
    )

    package let identityEncoding = Setting<Bool>(
        "identity-encoding",
        .toggle,
        default: false,
        "Send Content-Encoding: identity with responses that follow a stream: for a proxy that compresses them despite "
            + "no-transform and cannot be configured."
    )

    package let retry = Setting<Duration>(
        "retry-milliseconds",
        .milliseconds(0...3_600_000),
        default: .milliseconds(2000),
        "How long an EventSource waits before it reconnects (`retry:`)."
    )

    package let hold = Setting<Duration>(
        "hold-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(60),
        "How long a reader waits for a stream that does not exist yet before it is told to reconnect."
    )

    package let longPoll = Setting<Duration>(
        "long-poll-seconds",
        .seconds(.milliseconds(500)...day),
        default: .seconds(20),
        "How long a Durable Streams long-poll waits for new data before the response is 204."
    )

    package let durableStreamsSSE = Setting<Duration>(
        "durable-streams-sse-seconds",
        .seconds(.milliseconds(500)...day),
        default: .seconds(60),
        formerly: "live-sse-seconds",
        "How long a Durable Streams live=sse read lasts before the server ends it; the client then resumes at its "
            + "offset."
    )

    package let writeStall = Setting<Duration>(
        "write-stall-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(30),
        "How long a reader may accept no data before its connection is closed."
    )

    let requesting = Heading("Requests", in: .requests)

    package let headerBytes = Setting<Int>(
        "header-bytes",
        .bytes(1024...1 << 20),
        default: 16 * 1024,
        in: .server,
        "Maximum size of a request's header; a larger one gets 431."
    )

    package let headerTime = Setting<Duration>(
        "header-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(10),
        in: .server,
        "How long a request's header may take to arrive before the response is 408."
    )

    package let idle = Setting<Duration>(
        "idle-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(75),
        in: .server,
        "How long a connection may be idle between two requests."
    )

    package let bodyBytes = Setting<Int>(
        "body-bytes",
        .bytes(1...1 << 30),
        default: 8 * 1024 * 1024,
        "Maximum size of the body of an atomic append; a larger one gets 413. A streaming append may be of any size."
    )

    package let bodyEvents = Setting<Int>(
        "body-events",
        .whole(1...10_000_000),
        default: 50_000,
        "Maximum number of events in the body of an atomic append; more get 413. A streaming append is kept in steps of "
            + "as many."
    )

    package let bodyIdle = Setting<Duration>(
        "body-idle-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(30),
        "How long the body of an atomic append may stall before the response is 408. A streaming append may be silent."
    )

    package let bodyRate = Setting<Int>(
        "body-bytes-per-second",
        .bytes(0...1 << 30),
        default: 1024,
        "The least rate, on average, at which the body of an atomic append or of a relay call must arrive once it has taken "
            + "`body-idle-seconds`; a slower one gets 408. 0 means no limit. A streaming append may be slower."
    )

    package let eventBytes = Setting<Int>(
        "event-bytes",
        .bytes(1...1 << 30),
        default: 1024 * 1024,
        in: .streams,
        "Maximum size of an event; a larger one gets 413."
    )

    package let lineBytes = Setting<Int>(
        "line-bytes",
        .bytes(16...1 << 30),
        default: 1024 * 1024,
        "Maximum length of a line in a streaming append or an SSE body; a longer one gets 413."
    )

    let limits = Heading("Limits", in: .server)

    package let inflightBytes = Setting<Int>(
        "inflight-bytes",
        .bytes(1 << 20...1 << 50),
        default: 256 * 1024 * 1024,
        "Maximum memory for requests in progress: bodies being received or appended, and responses that readers have not "
            + "taken. Bodies being received may use half, and so may the bodies of relayed calls until their answers are "
            + "over. Without room, the request that holds the most is refused with 503 or cut off. Twice `body-bytes` (with a relay also twice `relay-body-bytes`) is the least that has an effect."
    )

    package let connections = Setting<Int>(
        "connections",
        .whole(1...10_000_000),
        default: 10_000,
        "Maximum number of connections at a time; more get 503."
    )

    package let connectionsPerAddress = Setting<Int?>(
        "connections-per-address",
        SettingKind<Int>.whole(1...10_000_000).orNil("0", meaning: "no limit"),
        default: 1000,
        "Maximum number of connections from one address at a time; more get 429. Behind a proxy every client has the "
            + "proxy's address: set 0 there."
    )

    package let streams = Setting<Int>(
        "streams",
        .whole(1...1_000_000_000),
        default: 100_000,
        in: .streams,
        "Maximum number of streams; creating more gets 507."
    )

    package let keptBytes = Setting<Int?>(
        "kept-bytes",
        SettingKind<Int>.bytes(1 << 16...1 << 50)
            .orNil("auto", meaning: "256MiB in memory, 64GiB in a data directory and no limit in Redis"),
        default: nil,
        in: .streams,
        "Maximum number of bytes of events kept in all streams together; appending more gets 507."
    )

    package let endedAge = Setting<Duration?>(
        "ended-age-seconds",
        SettingKind<Duration>.seconds(.zero...day * 3650).orNil("never", meaning: "not at all"),
        default: nil,
        in: .streams,
        "When the store is full, streams that ended longer ago than this may be deleted to make room."
    )

    package let heldNames = Setting<Int>(
        "held-names",
        .whole(0...10_000_000),
        default: 1000,
        in: .requests,
        "Maximum number of stream names that readers may wait for before the streams exist."
    )

    package let heldReaders = Setting<Int>(
        "held-readers",
        .whole(0...10_000_000),
        default: 10_000,
        in: .requests,
        "Maximum number of readers that wait for such streams, in total."
    )

    package let quotas = QuotaSettings()

    package let relay = RelaySettings()

    let running = Heading("Running", in: .requests)

    package let drainDeadline = Setting<Duration>(
        "drain-deadline-seconds",
        .seconds(.zero...day),
        default: .seconds(20),
        "How long a server that was told to stop keeps serving open producers and their readers."
    )

    package let reloadInterval = Setting<Duration?>(
        "reload-seconds",
        SettingKind<Duration>.seconds(.milliseconds(50)...day).orNil("0", meaning: "SIGHUP alone"),
        default: nil,
        in: .program,
        "How often to look whether what SIGHUP reads again has changed, and to read it again if so: where files change and "
            + "nobody sends a signal, as mounted secrets and config maps do."
    )

    package let logLevel = Setting<Logger.Level>(
        "log-level",
        .logLevel,
        default: .info,
        in: .program,
        "Lowest level of messages to log. SIGHUP reads it again from the settings file."
    )

    package let logFormat = Setting<LogFormat>(
        "log-format",
        .logFormat,
        default: .text,
        in: .program,
        "Format of the log on standard error: lines for people, or a JSON object on each line."
    )

    package let accessLog = Setting<String?>(
        "access-log",
        .outputPath,
        default: nil,
        in: .server,
        "File to which a JSON object is added for each request, on a line of its own; - is standard output. SIGHUP opens it "
            + "again."
    )

    package let trustedProxies = Setting<[IPNetwork]>(
        "trusted-proxies",
        .networks,
        default: [],
        in: .server,
        "Proxies whose X-Forwarded-For or Forwarded says in the access log where a request comes from. From "
            + "anyone else, they are ignored."
    )

    package let traces = TraceSettings()

    package subscript<Value>(dynamicMember member: KeyPath<RelaySettings, Setting<Value>>) -> Setting<Value> {
        relay[keyPath: member]
    }

    package subscript<Value>(dynamicMember member: KeyPath<QuotaSettings, Setting<Value>>) -> Setting<Value> {
        quotas[keyPath: member]
    }

    package subscript<Value>(dynamicMember member: KeyPath<HookSettings, Setting<Value>>) -> Setting<Value> {
        telling[keyPath: member]
    }

    package subscript<Value>(dynamicMember member: KeyPath<RedisSettings, Setting<Value>>) -> Setting<Value> {
        redis[keyPath: member]
    }

    package subscript<Value>(dynamicMember member: KeyPath<TraceSettings, Setting<Value>>) -> Setting<Value> {
        traces[keyPath: member]
    }

    package subscript<Value>(dynamicMember member: KeyPath<TokenSettings, Setting<Value>>) -> Setting<Value> {
        tokens[keyPath: member]
    }
}
