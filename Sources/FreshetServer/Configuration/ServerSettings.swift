/// Every setting of the server, once. Flags, environment, file, `--help` and `docs/configuration.md` all follow it.
package enum ServerSettings {
    /// Settings that belong together, under the heading they have in the documentation.
    package struct Group: Sendable {
        package let title: String
        package let settings: [Setting]
    }

    package static let groups = [listening, access, keeping, streams, reading, requests, amounts, relay, running]

    package static let all = groups.flatMap(\.settings)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    package static func named(_ name: String) -> Setting? {
        byName[name]
    }

    private static let day: Duration = .seconds(86_400)

    private static let listening = Group(
        title: "Where it listens",
        settings: [
            Setting(
                "host",
                \.host,
                .bindHost,
                "Address to listen on. Beyond loopback the server starts only with keys, or with open."
            ),
            Setting("port", \.port, .whole(0...65_535), "TCP port to listen on; 0 takes a free one."),
            Setting(
                "event-loops",
                \.eventLoops,
                SettingKind<Int>.whole(1...1024).orNil("0", meaning: "one on each core"),
                "Threads that carry connections."
            ),
        ]
    )

    private static let access = Group(
        title: "Who may",
        settings: [
            Setting(
                "keys",
                \.keys,
                .path,
                "File of bearer keys and the rights that each gives."
            ),
            Setting(
                "open",
                \.open,
                .toggle,
                "Without keys, serve everybody who reaches the server, beyond loopback too."
            ),
            Setting(
                "allowed-origins",
                \.allowedOrigins,
                .origins,
                "Origins whose pages may read and write, beside the server's own."
            ),
            Setting(
                "hosts",
                \.hosts,
                .hostNames,
                "Host names that a server on loopback answers to, beside localhost and the loopback addresses: those of a "
                    + "proxy on this machine that passes Host on. Beyond loopback every name is answered."
            ),
            Setting(
                "secure-cookie",
                \.secureCookie,
                .toggle,
                "Mark session cookies Secure always, not only where X-Forwarded-Proto says https."
            ),
            Setting(
                "session-seconds",
                \.sessionLifetime,
                .seconds(.seconds(60)...day * 400),
                "How long a session cookie is good for."
            ),
            Setting(
                "probe",
                \.probe,
                SettingKind<Bool>.toggle.orNil("auto", meaning: "true on loopback only"),
                "Answer the probe of freshet doctor, at /v1/probe. With keys it wants a token that one of them signed."
            ),
        ]
    )

    private static let keeping = Group(
        title: "Where streams are kept",
        settings: [
            Setting(
                "data",
                \.data,
                .dataDirectory,
                "Directory that streams are kept in; it is made where it is missing, and one server at a time uses it. "
                    + "`freshet demo` keeps them in memory unless another is named."
            ),
            Setting(
                "memory",
                \.memory,
                .toggle,
                "Keep streams in memory only, whatever data says: they are lost when the server ends."
            ),
            Setting(
                "durability",
                \.durability,
                .durability,
                "How an acknowledged event is kept: fsync survives the loss of power, os only the death of the server."
            ),
        ]
    )

    private static let streams = Group(
        title: "Streams",
        settings: [
            Setting(
                "create-on-post",
                \.createOnPost,
                .prefixes,
                "Under these names a POST to an unknown stream creates it, with the type of its body."
            ),
            Setting(
                "public-cache",
                \.publicCache,
                .prefixes,
                "Under these names shared caches may keep catch-up reads. Only for streams that everybody may read."
            ),
            Setting(
                "torn-lease-seconds",
                \.tornLease,
                SettingKind<Duration>.seconds(.milliseconds(1)...day * 365).orNil("0", meaning: "none"),
                "The lease that a stream without one gets when a live POST is torn: at its end the stream is abandoned."
            ),
        ]
    )

    private static let reading = Group(
        title: "Reading",
        settings: [
            Setting(
                "heartbeat-seconds",
                \.heartbeat,
                .seconds(.milliseconds(50)...day),
                "Silence on a live read after which a heartbeat is written. Keep it below every proxy's idle timeout."
            ),
            Setting(
                "heartbeat-event",
                \.heartbeatEvent,
                .toggle,
                "Write the heartbeat as an event that pages can see, not as a comment."
            ),
            Setting(
                "identity-encoding",
                \.identityEncoding,
                .toggle,
                "Say Content-Encoding: identity on live reads: for a proxy that compresses them in spite of no-transform and "
                    + "cannot be configured."
            ),
            Setting(
                "retry-milliseconds",
                \.retry,
                .milliseconds(0...3_600_000),
                "How long an EventSource waits before it reconnects."
            ),
            Setting(
                "hold-seconds",
                \.hold,
                .seconds(.milliseconds(50)...day),
                "How long a reader waits for a stream that does not exist yet before it is told to reconnect."
            ),
            Setting(
                "long-poll-seconds",
                \.longPoll,
                .seconds(.milliseconds(500)...day),
                "How long a Durable Streams long-poll waits for something new before it is answered with 204."
            ),
            Setting(
                "live-sse-seconds",
                \.liveSSE,
                .seconds(.milliseconds(500)...day),
                "How long a Durable Streams live=sse read goes on before it is ended; its client comes back where it was."
            ),
            Setting(
                "write-stall-seconds",
                \.writeStall,
                .seconds(.milliseconds(50)...day),
                "How long a reader may take nothing of what is written before it is closed."
            ),
        ]
    )

    private static let requests = Group(
        title: "Requests",
        settings: [
            Setting(
                "header-bytes",
                \.headerBytes,
                .bytes(1024...1 << 20),
                "Largest head of a request; a larger one is 431."
            ),
            Setting(
                "header-seconds",
                \.headerTime,
                .seconds(.milliseconds(50)...day),
                "Longest time that the head of a request may take to arrive; then it is 408."
            ),
            Setting(
                "idle-seconds",
                \.idle,
                .seconds(.milliseconds(50)...day),
                "How long a connection is kept open between two requests."
            ),
            Setting(
                "body-bytes",
                \.bodyBytes,
                .bytes(1...1 << 30),
                "Largest body of an atomic append; a larger one is 413. A live body may be of any size."
            ),
            Setting(
                "body-idle-seconds",
                \.bodyIdle,
                .seconds(.milliseconds(50)...day),
                "Longest silence within the body of an atomic append; then it is 408. A live body may be silent."
            ),
            Setting("event-bytes", \.eventBytes, .bytes(1...1 << 30), "Largest event; a larger one is 413."),
            Setting(
                "line-bytes",
                \.lineBytes,
                .bytes(16...1 << 30),
                "Longest line of a live body or an SSE body; a longer one is 413."
            ),
        ]
    )

    private static let amounts = Group(
        title: "How much of everything",
        settings: [
            Setting(
                "connections",
                \.connections,
                .whole(1...10_000_000),
                "Most connections at one time; further ones get 503."
            ),
            Setting(
                "connections-per-address",
                \.connectionsPerAddress,
                SettingKind<Int>.whole(1...10_000_000).orNil("0", meaning: "no limit"),
                "Most connections from one address at one time; further ones get 429. Behind a proxy every client has the "
                    + "proxy's address: say 0 there."
            ),
            Setting("streams", \.streams, .whole(1...1_000_000_000), "Most streams kept; creating more is 507."),
            Setting(
                "kept-bytes",
                \.keptBytes,
                SettingKind<Int>.bytes(1 << 16...1 << 50)
                    .orNil("auto", meaning: "256MiB in memory and 64GiB in a data directory"),
                "Most bytes of events kept, of all streams together; appending more is 507."
            ),
            Setting(
                "ended-age-seconds",
                \.endedAge,
                SettingKind<Duration>.seconds(.zero...day * 3650).orNil("never", meaning: "not at all"),
                "When the store is full, ended streams older than this may be taken to make room."
            ),
            Setting(
                "held-names",
                \.heldNames,
                .whole(0...10_000_000),
                "Most names that do not exist yet and are waited for."
            ),
            Setting(
                "held-readers",
                \.heldReaders,
                .whole(0...10_000_000),
                "Most readers that wait for such names, of all names together."
            ),
        ]
    )

    private static let relay = Group(
        title: "Relay",
        settings: [
            Setting(
                "upstreams",
                \.upstreams,
                .upstreams,
                "Providers of language models that calls are relayed to, each in a few words; docs/relay.md has examples. "
                    + "Without any there is no relay, except with `freshet relay`, which then takes openai, anthropic and "
                    + "builtin."
            ),
            Setting(
                "relay-answer-seconds",
                \.relayAnswerLifetime,
                .seconds(.seconds(1)...day * 3650),
                "How long an answer is kept, from its beginning; an Idempotency-Key is remembered for a day longer."
            ),
            Setting(
                "relay-unread-seconds",
                \.relayUnread,
                .seconds(.seconds(1)...day),
                "How long an answer may be without any reader before its call is stopped."
            ),
            Setting(
                "relay-idle-seconds",
                \.relayIdle,
                .seconds(.milliseconds(50)...day),
                "How long an upstream may be silent. An answer may take any time in all."
            ),
            Setting(
                "relay-answers",
                \.relayAnswers,
                .whole(1...1_000_000),
                "Most answers that are written at one time; further calls are 429."
            ),
            Setting(
                "relay-body-bytes",
                \.relayBodyBytes,
                .bytes(1024...1 << 30),
                "Largest body of a call to a model; a larger one is 413."
            ),
        ]
    )

    private static let running = Group(
        title: "Running",
        settings: [
            Setting(
                "drain-deadline-seconds",
                \.drainDeadline,
                .seconds(.zero...day),
                "How long a server that was told to stop still serves open producers and their readers."
            ),
            Setting("log-level", \.logLevel, .logLevel, "Least important messages that are logged."),
        ]
    )
}
