/// The settings of the relay: a part of `ServerSettings`.
@available(freshet 0.1, *)
package struct RelaySettings: Sendable {
    let relaying = Heading("Relay", in: .relay)

    package let upstreams = Setting<[UpstreamSetting]>(
        "upstreams",
        .upstreams,
        default: [],
        "Language model providers that calls are relayed to; docs/relay.md has examples. "
            + "Without any there is no relay, except with `freshet relay`, which then uses openai, anthropic and "
            + "builtin."
    )

    package let relayAnswerLifetime = Setting<Duration>(
        "relay-answer-seconds",
        .seconds(.seconds(1)...day * 3650),
        default: .seconds(86_400),
        "How long an answer is kept, counted from its start; an Idempotency-Key is remembered for one more day."
    )

    package let relayUnread = Setting<Duration>(
        "relay-unread-seconds",
        .seconds(.seconds(1)...day),
        default: .seconds(600),
        "How long an answer may have no reader before its upstream call is stopped."
    )

    package let relayIdle = Setting<Duration>(
        "relay-idle-seconds",
        .seconds(.milliseconds(50)...day),
        default: .seconds(600),
        "How long an upstream may be silent, before its first byte and between two. A whole answer may take "
            + "any time."
    )

    package let relayWordless = Setting<Duration?>(
        "relay-wordless-seconds",
        SettingKind<Duration>.seconds(.milliseconds(50)...day * 3)
            .orNil("auto", meaning: "three times relay-idle-seconds"),
        default: nil,
        "How long an upstream may send nothing but comments, pings, blank lines and events without text."
    )

    package let relayEarly = Setting<Duration>(
        "relay-early-seconds",
        .seconds(.zero...day),
        default: .seconds(25),
        "How long a caller waits for the upstream's response before it gets a 200 and heartbeats, and a refusal as an "
            + "event; 0 for as long as it takes."
    )

    package let relayResponseFields = Setting<[String]>(
        "relay-response-fields",
        .foreignFields,
        default: [],
        "Header fields of an upstream's response to pass to the caller, in addition to those that docs/relay.md lists."
    )

    package let relayAnswers = Setting<Int>(
        "relay-answers",
        .whole(1...1_000_000),
        default: 1000,
        "Maximum number of answers in progress at a time; more calls get 429."
    )

    package let relayBodyBytes = Setting<Int>(
        "relay-body-bytes",
        .bytes(1024...1 << 30),
        default: 32 * 1024 * 1024,
        "Maximum size of the body of a call to a model; a larger one gets 413."
    )

    package let relayEventBytes = Setting<Int>(
        "relay-event-bytes",
        .bytes(1024...1 << 30),
        default: 32 * 1024 * 1024,
        "Largest event of an upstream's stream; a larger one ends the answer. A picture comes as one event."
    )
}
