import ArgumentParser
import FreshetServer

/// The flags of `freshet serve`. None has a default here: what is not given is left to the environment, the file and
/// the defaults, which `ServerSettings` declares together with the help of each.
struct ServeOptions: ParsableArguments {
    @Option(help: ArgumentHelp("YAML file of settings; FRESHET_CONFIG names one too.", valueName: "file"))
    var config: String?

    @Flag(help: "Print every setting with its default, as docs/configuration.md has it, and exit.")
    var printSettings = false

    @Option(help: .setting("host"))
    var host: String?

    @Option(help: .setting("port"))
    var port: String?

    @Option(help: .setting("event-loops"))
    var eventLoops: String?

    @Option(help: .setting("keys"))
    var keys: String?

    @Flag(inversion: .prefixedNo, help: .setting("open"))
    var open: Bool?

    @Option(help: .setting("allowed-origins"))
    var allowedOrigins: [String] = []

    @Option(help: .setting("hosts"))
    var hosts: [String] = []

    @Flag(inversion: .prefixedNo, help: .setting("secure-cookie"))
    var secureCookie: Bool?

    @Option(help: .setting("session-seconds"))
    var sessionSeconds: String?

    @Option(help: .setting("data"))
    var data: String?

    @Option(help: .setting("probe"))
    var probe: String?

    @Flag(inversion: .prefixedNo, help: .setting("memory"))
    var memory: Bool?

    @Option(help: .setting("durability"))
    var durability: String?

    @Option(help: .setting("create-on-post"))
    var createOnPost: [String] = []

    @Option(help: .setting("public-cache"))
    var publicCache: [String] = []

    @Option(help: .setting("torn-lease-seconds"))
    var tornLeaseSeconds: String?

    @Option(help: .setting("heartbeat-seconds"))
    var heartbeatSeconds: String?

    @Flag(inversion: .prefixedNo, help: .setting("heartbeat-event"))
    var heartbeatEvent: Bool?

    @Flag(inversion: .prefixedNo, help: .setting("identity-encoding"))
    var identityEncoding: Bool?

    @Option(help: .setting("retry-milliseconds"))
    var retryMilliseconds: String?

    @Option(help: .setting("hold-seconds"))
    var holdSeconds: String?

    @Option(help: .setting("long-poll-seconds"))
    var longPollSeconds: String?

    @Option(help: .setting("live-sse-seconds"))
    var liveSseSeconds: String?

    @Option(help: .setting("write-stall-seconds"))
    var writeStallSeconds: String?

    @Option(help: .setting("header-bytes"))
    var headerBytes: String?

    @Option(help: .setting("header-seconds"))
    var headerSeconds: String?

    @Option(help: .setting("idle-seconds"))
    var idleSeconds: String?

    @Option(help: .setting("body-bytes"))
    var bodyBytes: String?

    @Option(help: .setting("body-idle-seconds"))
    var bodyIdleSeconds: String?

    @Option(help: .setting("event-bytes"))
    var eventBytes: String?

    @Option(help: .setting("line-bytes"))
    var lineBytes: String?

    @Option(help: .setting("connections"))
    var connections: String?

    @Option(help: .setting("connections-per-address"))
    var connectionsPerAddress: String?

    @Option(help: .setting("streams"))
    var streams: String?

    @Option(help: .setting("kept-bytes"))
    var keptBytes: String?

    @Option(help: .setting("ended-age-seconds"))
    var endedAgeSeconds: String?

    @Option(help: .setting("held-names"))
    var heldNames: String?

    @Option(help: .setting("held-readers"))
    var heldReaders: String?

    @Option(help: .setting("upstreams"))
    var upstreams: [String] = []

    @Option(help: .setting("relay-answer-seconds"))
    var relayAnswerSeconds: String?

    @Option(help: .setting("relay-unread-seconds"))
    var relayUnreadSeconds: String?

    @Option(help: .setting("relay-idle-seconds"))
    var relayIdleSeconds: String?

    @Option(help: .setting("relay-answers"))
    var relayAnswers: String?

    @Option(help: .setting("relay-body-bytes"))
    var relayBodyBytes: String?

    @Option(help: .setting("drain-deadline-seconds"))
    var drainDeadlineSeconds: String?

    @Option(help: .setting("log-level"))
    var logLevel: String?

    /// What was given, by the name of the setting.
    var flags: [String: WrittenValue] {
        let values: [String: WrittenValue?] = [
            "host": Self.written(host),
            "port": Self.written(port),
            "event-loops": Self.written(eventLoops),
            "keys": Self.written(keys),
            "open": Self.written(open),
            "allowed-origins": Self.written(allowedOrigins),
            "hosts": Self.written(hosts),
            "secure-cookie": Self.written(secureCookie),
            "session-seconds": Self.written(sessionSeconds),
            "probe": Self.written(probe),
            "data": Self.written(data),
            "memory": Self.written(memory),
            "durability": Self.written(durability),
            "create-on-post": Self.written(createOnPost),
            "public-cache": Self.written(publicCache),
            "torn-lease-seconds": Self.written(tornLeaseSeconds),
            "heartbeat-seconds": Self.written(heartbeatSeconds),
            "heartbeat-event": Self.written(heartbeatEvent),
            "identity-encoding": Self.written(identityEncoding),
            "retry-milliseconds": Self.written(retryMilliseconds),
            "hold-seconds": Self.written(holdSeconds),
            "long-poll-seconds": Self.written(longPollSeconds),
            "live-sse-seconds": Self.written(liveSseSeconds),
            "write-stall-seconds": Self.written(writeStallSeconds),
            "header-bytes": Self.written(headerBytes),
            "header-seconds": Self.written(headerSeconds),
            "idle-seconds": Self.written(idleSeconds),
            "body-bytes": Self.written(bodyBytes),
            "body-idle-seconds": Self.written(bodyIdleSeconds),
            "event-bytes": Self.written(eventBytes),
            "line-bytes": Self.written(lineBytes),
            "connections": Self.written(connections),
            "connections-per-address": Self.written(connectionsPerAddress),
            "streams": Self.written(streams),
            "kept-bytes": Self.written(keptBytes),
            "ended-age-seconds": Self.written(endedAgeSeconds),
            "held-names": Self.written(heldNames),
            "held-readers": Self.written(heldReaders),
            "upstreams": Self.written(upstreams),
            "relay-answer-seconds": Self.written(relayAnswerSeconds),
            "relay-unread-seconds": Self.written(relayUnreadSeconds),
            "relay-idle-seconds": Self.written(relayIdleSeconds),
            "relay-answers": Self.written(relayAnswers),
            "relay-body-bytes": Self.written(relayBodyBytes),
            "drain-deadline-seconds": Self.written(drainDeadlineSeconds),
            "log-level": Self.written(logLevel),
        ]
        return values.compactMapValues(\.self)
    }

    func validate() throws {
        if printSettings {
            throw CleanExit.message(SettingsReference.markdown)
        }
    }

    /// The configuration that these flags, this environment and the file that either names amount to.
    func configuration(environment: [String: String]) throws(ConfigurationError) -> ServerConfiguration {
        var path = config
        if path == nil, let named = environment["FRESHET_CONFIG"], !named.isEmpty {
            path = named
        }
        var file: ConfigurationFile?
        if let path {
            file = try ConfigurationFile(path: path)
        }
        return try ServerConfiguration(flags: flags, environment: environment, file: file)
    }

    private static func written(_ value: String?) -> WrittenValue? {
        value.map(WrittenValue.text)
    }

    private static func written(_ value: Bool?) -> WrittenValue? {
        value.map { .text(String($0)) }
    }

    /// A flag of a list may be given several times, and each time with several members.
    private static func written(_ values: [String]) -> WrittenValue? {
        values.isEmpty ? nil : .text(values.joined(separator: ","))
    }
}

extension ArgumentHelp {
    fileprivate static func setting(_ name: String) -> ArgumentHelp {
        guard let setting = ServerSettings.named(name) else {
            preconditionFailure("ServeOptions has a flag for \(name), which ServerSettings does not declare")
        }
        let value = setting.defaultText.isEmpty ? "none" : setting.defaultText
        return ArgumentHelp("\(setting.help) (default: \(value))", valueName: setting.placeholder)
    }
}
