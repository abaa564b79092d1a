import Foundation
import Logging
import RedisStreamStore
import SQLiteStreamStore
import StreamHTTP
import Testing

@testable import FreshetServer

@Suite struct ServerConfigurationTests {
    private func read(
        flags: [String: WrittenValue] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) throws(ConfigurationError) -> ServerConfiguration {
        try ServerConfiguration(
            flags: flags,
            environment: environment,
            file: file.map { ConfigurationFile(name: "freshet.yaml", text: $0) }
        )
    }

    private func problems(
        flags: [String: WrittenValue] = [:],
        environment: [String: String] = [:],
        file: String? = nil
    ) throws -> [String] {
        try #require(throws: ConfigurationError.self) {
            try read(flags: flags, environment: environment, file: file)
        }.problems
    }

    @Test func nothingWrittenIsTheDefaults() throws {
        #expect(try read() == ServerConfiguration())
        for text in ["", "# only a comment\n", "---\n", "~", "{}"] {
            #expect(try read(file: text) == ServerConfiguration())
        }
    }

    @Test func aFlagWinsOverTheEnvironmentAndTheEnvironmentOverTheFile() throws {
        let file = "port: 1\nstreams: 1\nheld-names: 1\n"
        let environment = ["FRESHET_PORT": "2", "FRESHET_STREAMS": "2"]
        let configuration = try read(flags: ["port": .text("3")], environment: environment, file: file)
        #expect(configuration.port == 3)
        #expect(configuration.streams == 2)
        #expect(configuration.heldNames == 1)
        #expect(configuration.heldReaders == 10_000)
    }

    @Test func everySettingIsReadFromAFile() throws {
        let configuration = try read(
            file: """
                host: "[::1]"
                port: 0
                event-loops: 2
                tls-certificate: /etc/freshet/chain.pem
                tls-key: /etc/freshet/key.pem
                tls-key-password-file: /etc/freshet/password
                clear-text-port: 4438
                http2: false
                http2-clear-text: true
                http2-streams: 20
                streams-per-address: 0
                http2-resets: 21
                http2-control-frames: 22
                http2-empty-frames: 23
                keys: /etc/freshet/keys
                open: no
                allowed-origins: ["HTTPS://App.Example:443", http://localhost:3000]
                hosts:
                  - Proxy.Example
                public-url: https://app.example/live
                secure-cookie: true
                session-seconds: 3600
                session-secret-file: /etc/freshet/sessions
                probe: true
                jwt-issuer: https://login.example
                jwt-audience: freshet
                jwt-secret-file: /etc/freshet/secret
                jwt-keys: /etc/freshet/issuer.pem
                jwt-jwks: https://login.example/keys
                jwt-algorithms: HS256, ES256
                jwt-claim: streams
                jwt-template: ["read=users/{sub}/"]
                jwt-expiry: false
                jwt-leeway-seconds: 25
                jwt:
                  - issuer: other
                    audience: freshet
                    secret-file: /etc/freshet/other
                data: /var/lib/freshet
                memory: yes
                durability: os
                hook: https://app.example/told?key=1
                hook-secret-file: /etc/freshet/hook
                hook-prefix: chat/
                hooks:
                  - url: http://10.0.0.7/told
                    secret-file: /etc/freshet/other-hook
                    prefix: [mail/, jobs/*]
                hook-content-bytes: 2KiB
                hook-backlog-bytes: 3KiB
                create-on-post: chat/, jobs/*
                public-cache: ["*"]
                torn-lease-seconds: 0
                heartbeat-seconds: 0.25
                heartbeat-event: on
                identity-encoding: true
                retry-milliseconds: 500
                hold-seconds: 5
                long-poll-seconds: 0.5
                durable-streams-sse-seconds: 5
                write-stall-seconds: 6
                header-bytes: 8KiB
                header-seconds: 7
                idle-seconds: 8
                body-bytes: 16MiB
                body-events: 7
                inflight-bytes: 512MiB
                body-bytes-per-second: 24
                body-idle-seconds: 9
                event-bytes: 65536
                line-bytes: 64kib
                connections: 11
                connections-per-address: 0
                streams: 12
                kept-bytes: 1GiB
                ended-age-seconds: 86400
                held-names: 13
                held-readers: 14
                quota-requests-per-second: 26
                quota-readers: 27
                quota-producers: 28
                quota-streams-per-hour: 29
                quota-bytes: 30MiB
                upstreams:
                  - claude anthropic key=env:CLAUDE_KEY
                  - http://localhost:11434 key=none allow=/models
                relay-answer-seconds: 16
                relay-unread-seconds: 17
                relay-idle-seconds: 18
                relay-wordless-seconds: 20
                relay-response-fields: [X-A, etag]
                relay-answers: 19
                relay-body-bytes: 1MiB
                relay-event-bytes: 2MiB
                relay-early-seconds: 21
                drain-deadline-seconds: 15
                reload-seconds: 31
                log-level: Debug
                log-format: json
                access-log: /var/log/freshet/access.log
                trusted-proxies: [10.1.2.3/8, "::1"]
                otlp-endpoint: http://127.0.0.1:4318/otel/
                otlp-headers-file: /etc/freshet/collector
                otlp-service-name: chat streams
                otlp-sample: 0.25
                """
        )
        var expected = ServerConfiguration()
        expected.host = "::1"
        expected.port = 0
        expected.eventLoops = 2
        expected.tlsCertificate = "/etc/freshet/chain.pem"
        expected.tlsKey = "/etc/freshet/key.pem"
        expected.tlsKeyPasswordFile = "/etc/freshet/password"
        expected.clearTextPort = 4438
        expected.http2 = false
        expected.http2ClearText = true
        expected.http2Streams = 20
        expected.streamsPerAddress = nil
        expected.http2Resets = 21
        expected.http2ControlFrames = 22
        expected.http2EmptyFrames = 23
        expected.keys = "/etc/freshet/keys"
        expected.allowedOrigins = ["https://app.example", "http://localhost:3000"]
        expected.hosts = ["proxy.example"]
        expected.publicURL = "https://app.example/live"
        expected.secureCookie = true
        expected.sessionLifetime = .seconds(3600)
        expected.sessionSecretFile = "/etc/freshet/sessions"
        expected.probe = true
        expected.jwtIssuer = "https://login.example"
        expected.jwtAudience = "freshet"
        expected.jwtSecretFile = "/etc/freshet/secret"
        expected.jwtKeys = "/etc/freshet/issuer.pem"
        expected.jwtJWKS = "https://login.example/keys"
        expected.jwtAlgorithms = [.hs256, .es256]
        expected.jwtClaim = "streams"
        expected.jwtTemplate = [try TokenTemplate(parsing: "read=users/{sub}/")]
        expected.jwtExpiry = false
        expected.jwtLeeway = 25
        expected.hook = "https://app.example/told?key=1"
        expected.hookSecretFile = "/etc/freshet/hook"
        expected.hookPrefix = ["chat/"]
        expected.hooks = [
            try HookSetting(
                parsing: "url=http://10.0.0.7/told secret-file=/etc/freshet/other-hook prefix=mail/ prefix=jobs/"
            )
        ]
        expected.hookContentBytes = 2048
        expected.hookBacklogBytes = 3072
        expected.jwt = [try IssuerSetting(parsing: "issuer=other audience=freshet secret-file=/etc/freshet/other")]
        expected.data = "/var/lib/freshet"
        expected.memory = true
        expected.durability = .os
        expected.createOnPost = ["chat/", "jobs/"]
        expected.publicCache = ["*"]
        expected.tornLease = nil
        expected.heartbeat = .milliseconds(250)
        expected.heartbeatEvent = true
        expected.identityEncoding = true
        expected.retry = .milliseconds(500)
        expected.hold = .seconds(5)
        expected.longPoll = .milliseconds(500)
        expected.durableStreamsSSE = .seconds(5)
        expected.writeStall = .seconds(6)
        expected.headerBytes = 8192
        expected.headerTime = .seconds(7)
        expected.idle = .seconds(8)
        expected.bodyBytes = 16 << 20
        expected.bodyEvents = 7
        expected.inflightBytes = 512 << 20
        expected.bodyRate = 24
        expected.bodyIdle = .seconds(9)
        expected.eventBytes = 65_536
        expected.lineBytes = 65_536
        expected.connections = 11
        expected.connectionsPerAddress = nil
        expected.streams = 12
        expected.keptBytes = 1 << 30
        expected.endedAge = .seconds(86_400)
        expected.heldNames = 13
        expected.heldReaders = 14
        expected.quotaRequests = 26
        expected.quotaReaders = 27
        expected.quotaProducers = 28
        expected.quotaStreams = 29
        expected.quotaBytes = 30 << 20
        expected.upstreams = [
            try UpstreamSetting(parsing: "claude anthropic https://api.anthropic.com/v1 key=env:CLAUDE_KEY"),
            try UpstreamSetting(
                parsing: "localhost openai-compatible http://localhost:11434/v1 key=none allow=/models"
            ),
        ]
        expected.relayAnswerLifetime = .seconds(16)
        expected.relayUnread = .seconds(17)
        expected.relayIdle = .seconds(18)
        expected.relayWordless = .seconds(20)
        expected.relayResponseFields = ["x-a", "etag"]
        expected.relayAnswers = 19
        expected.relayBodyBytes = 1 << 20
        expected.relayEventBytes = 2 << 20
        expected.relayEarly = .seconds(21)
        expected.drainDeadline = .seconds(15)
        expected.reloadInterval = .seconds(31)
        expected.logLevel = .debug
        expected.logFormat = .json
        expected.accessLog = "/var/log/freshet/access.log"
        expected.trustedProxies = try ["10.0.0.0/8", "::1"].map { try #require(IPNetwork(parsing: $0)) }
        expected.otlpEndpoint = "http://127.0.0.1:4318/otel/"
        expected.otlpHeadersFile = "/etc/freshet/collector"
        expected.otlpServiceName = "chat streams"
        expected.otlpSample = 0.25
        #expect(configuration == expected)
        #expect(configuration.otlpTracesURL == "http://127.0.0.1:4318/otel/v1/traces")
        // None of them is a default, so that this test misses none.
        for setting in SettingsTable.server.settings where setting.name != "open" && !Self.isOfRedis(setting.name) {
            #expect(setting.show(configuration) != setting.defaultText, "\(setting.name)")
        }
    }

    private static func isOfRedis(_ name: String) -> Bool { name == "store" || name.hasPrefix("redis-") }

    /// Most of what the other settings are about there is not with a Redis.
    @Test func everySettingOfRedisIsReadFromAFile() throws {
        let configuration = try read(
            file: """
                store: rediss-sentinel://freshet@s1.internal,s2.internal:6380/main/1
                redis-replicas: 2
                redis-password-file: /etc/freshet/redis
                redis-sentinel-password-file: /etc/freshet/sentinel
                redis-ca-file: /etc/freshet/redis.pem
                redis-require-safe: yes
                """
        )
        var expected = ServerConfiguration()
        expected.store = .redis(try RedisURL("rediss-sentinel://freshet@s1.internal,s2.internal:6380/main/1"))
        expected.redisReplicas = 2
        expected.redisPasswordFile = "/etc/freshet/redis"
        expected.redisSentinelPasswordFile = "/etc/freshet/sentinel"
        expected.redisCAFile = "/etc/freshet/redis.pem"
        expected.redisRequireSafe = true
        #expect(configuration == expected)
        for setting in SettingsTable.server.settings where Self.isOfRedis(setting.name) {
            #expect(setting.show(configuration) != setting.defaultText, "\(setting.name)")
        }
    }

    @Test func whatIsShownReadsBackAsTheSame() throws {
        for setting in SettingsTable.server.settings where !setting.defaultText.isEmpty {
            var configuration = ServerConfiguration()
            try setting.apply(.text(setting.defaultText), to: &configuration)
            #expect(configuration == ServerConfiguration(), "\(setting.name)")
            #expect(try read(environment: [setting.environmentName: setting.defaultText]) == ServerConfiguration())
        }
    }

    /// A setting is declared in one place: nothing lists it a second time.
    @Test func noSourceNamesASettingAgain() throws {
        let sources = URL(filePath: #filePath).appending(path: "../../../../Sources").standardized
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var named: [String: [String]] = [:]
        // A name of one word may stand for something else too.
        let names = SettingsTable.server.settings.map(\.name).filter { $0.contains("-") }
        for case let file as URL in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
                .filter { !$0.contains("///") }.joined(separator: "\n")
            for name in names where text.contains("\"\(name)\"") {
                named[name, default: []].append(file.lastPathComponent)
            }
        }
        for name in names {
            let parts = [
                "relay-": "RelaySettings.swift", "jwt-": "TokenSettings.swift", "hook-": "HookSettings.swift",
                "quota-": "QuotaSettings.swift", "otlp-": "TraceSettings.swift", "redis-": "RedisSettings.swift",
            ]
            let part = parts.first { name.hasPrefix($0.key) }
            #expect(named[name] == [part?.value ?? "ServerSettings.swift"], "\(name)")
        }
    }

    @Test func namesAreUniqueAndOneSpellingServesAllThreePlaces() {
        #expect(
            Set(SettingsTable.server.settings.flatMap(\.names)).count
                == SettingsTable.server.settings.flatMap(\.names).count
        )
        #expect(Set(SettingsTable.server.settings.map(\.environmentName)).count == SettingsTable.server.settings.count)
        #expect(
            SettingsTable.server.named("drain-deadline-seconds")?.environmentName == "FRESHET_DRAIN_DEADLINE_SECONDS"
        )
        #expect(SettingsTable.server.settings.allSatisfy { $0.help.hasSuffix(".") && !$0.help.contains("|") })
    }

    @Test(arguments: [
        ("port", "-1"), ("port", "65536"), ("port", "+5"), ("port", "0x10"), ("port", "4437.0"), ("port", ""),
        ("port", " 1"), ("port", "99999999999999999999"), ("port", "١"), ("port", "1_000"), ("open", "maybe"),
        ("heartbeat-seconds", "0"), ("heartbeat-seconds", "1e3"), ("heartbeat-seconds", "1.2345"),
        ("heartbeat-seconds", "."),
        ("heartbeat-seconds", "1."), ("heartbeat-seconds", ".5"), ("heartbeat-seconds", "10s"),
        ("heartbeat-seconds", "-1"),
        ("heartbeat-seconds", "inf"), ("heartbeat-seconds", "999999999999999999"), ("retry-milliseconds", "1.5"),
        ("kept-bytes", "1KB"), ("kept-bytes", "MiB"), ("kept-bytes", "1.5MiB"), ("kept-bytes", "99999999999999GiB"),
        ("kept-bytes", "-1MiB"), ("kept-bytes", "1TiB "), ("connections", "0"), ("ended-age-seconds", "none"),
        ("reload-seconds", "0.01"), ("reload-seconds", "86401"), ("reload-seconds", "never"),
        ("log-level", "loud"), ("host", "localhost:80"), ("host", "http://localhost"), ("host", "*"), ("host", "a b"),
        ("host", "[::1"), ("host", ""), ("keys", ""),
        ("allowed-origins", "*"), ("allowed-origins", "null"), ("allowed-origins", "app.example"),
        ("allowed-origins", "https://app.example/"), ("hosts", "app.example:80"), ("hosts", "https://app.example"),
        ("create-on-post", "/chat"), ("create-on-post", "a*b"),
        ("otlp-endpoint", "127.0.0.1:4318"), ("otlp-endpoint", "http://user:word@a"),
        ("otlp-endpoint", "http://a/?key=1"),
        ("otlp-service-name", ""), ("otlp-sample", "1.1"), ("otlp-sample", "2"), ("otlp-sample", "-1"),
        ("otlp-sample", "0.1234567"), ("otlp-sample", ".5"), ("otlp-sample", "1e-1"), ("otlp-sample", "50%"),
    ])
    func aValueThatIsNotAllowedIsRefusedWithItsPlace(name: String, value: String) throws {
        let setting = try #require(SettingsTable.server.named(name))
        let flag = try problems(flags: [name: .text(value)])
        #expect(flag.count == 1 && flag[0].hasPrefix("--\(name): "))
        if !value.isEmpty {
            let variable = try problems(environment: [setting.environmentName: value])
            #expect(variable.count == 1 && variable[0].hasPrefix("\(setting.environmentName): "))
        }
        let file = try problems(file: "# first\n\(name): \"\(value)\"\n")
        #expect(file.count == 1 && file[0].hasPrefix("freshet.yaml:2: \(name): "))
    }

    @Test func aValueOfAnotherShapeIsRefused() throws {
        #expect(try problems(file: "port: [1]")[0].contains("a list is written where one value is wanted"))
        #expect(try problems(file: "port:\n  number: 1")[0].contains("a mapping is written"))
        #expect(try problems(file: "port:")[0].contains("there is no value"))
        #expect(try problems(file: "hosts:\n  - [a]")[0].contains("other than a list of texts"))
        #expect(try problems(file: "hosts: {a: b}")[0].contains("other than a list of texts"))
        #expect(try problems(file: "hosts: [~]")[0].contains("other than a list of texts"))
        #expect(try read(file: "ended-age-seconds: null").endedAge == nil)
    }

    @Test(
        arguments: [
            ("heartbeat-second", "heartbeat-seconds"), ("heartbeatSeconds", "heartbeat-seconds"),
            ("heartbeat", "heartbeat-seconds"), ("prot", "port"), ("Port", "port"),
            ("allowed_origins", "allowed-origins"),
            ("bytes-kept", nil), ("x", nil), ("", nil), ("nothing-like-any-of-them", nil),
        ] as [(String, String?)]
    )
    func anUnknownNameInAFileIsRefusedWithTheNearestKnownOne(written: String, near: String?) throws {
        let found = try problems(file: "open: false\n\"\(written)\": 1\n")
        let end = near.map { "; did you mean \($0)?" } ?? "; `freshet serve --help` lists them all"
        #expect(found == ["freshet.yaml:2: \(written): there is no such setting\(end)"])
    }

    @Test func everythingThatIsWrongIsSaidAtOnce() throws {
        let found = try problems(
            flags: ["port": .text("x")],
            environment: ["FRESHET_PROT": "1", "FRESHET_OPEN": "?"],
            file: "sterams: 1\nport: y\n"
        )
        #expect(found.count == 5)
    }

    @Test func aWrongValueIsRefusedAlsoWhereAFlagOverridesIt() throws {
        #expect(try problems(flags: ["port": .text("1")], file: "port: x").count == 1)
    }

    @Test(arguments: [
        "port: 1\nport: 2", "port: [1", "- port", "port", "a: b: c", "port: 1\n---\nport: 2", "\tport: 1", "&a *b",
    ])
    func whatIsNoMappingInYAMLIsRefusedWithTheFilesName(text: String) throws {
        let found = try problems(file: text)
        #expect(found.count == 1 && found[0].hasPrefix("freshet.yaml: "))
    }

    @Test func aMissingFileIsNamed() throws {
        let error = try #require(throws: ConfigurationError.self) {
            try ConfigurationFile(path: "/nowhere/freshet.yaml")
        }
        #expect(error.description.hasPrefix("/nowhere/freshet.yaml: the configuration file cannot be read"))
    }

    // MARK: Environment

    @Test func variablesOfOthersAreLeftAlone() throws {
        let environment = [
            "PORT": "x", "FRESHET_BINARY": "/usr/bin/freshet", "FRESHET_NIGHTLY": "1", "FRESHET_KEY": "secret",
            "FRESHET_CONFIG": "x", "FRESHET_PORT": "tcp://10.0.0.1:4437", "FRESHET_SERVICE_HOST": "10.0.0.1",
            "FRESHET_SERVICE_PORT": "4437", "FRESHET_PORT_4437_TCP": "tcp://10.0.0.1:4437", "FRESHET_HOST": "",
            "FRESHET_PORT_4437_TCP_ADDR": "10.0.0.1", "FRESHET_WARNINGS_AS_ERRORS": "1",
        ]
        #expect(try read(environment: environment) == ServerConfiguration())
    }

    @Test(arguments: [
        ("FRESHET_PROT", "FRESHET_PORT"), ("FRESHET_HEARTBEAT", "FRESHET_HEARTBEAT_SECONDS"),
        ("FRESHET_ALLOWED_ORIGIN", "FRESHET_ALLOWED_ORIGINS"), ("FRESHET_STREAM", "FRESHET_STREAMS"),
    ])
    func aVariableThatIsNearlyASettingIsASlip(written: String, near: String) throws {
        #expect(
            try problems(environment: [written: "1"]) == ["\(written): there is no such setting; did you mean \(near)?"]
        )
    }

    // MARK: Together

    @Test(arguments: ["0.0.0.0", "::", "192.0.2.1", "a.example", "128.0.0.1", "127.0.0.1.example", "::ffff:127.0.0.1"])
    func beyondLoopbackThereMustBeKeysOrOpen(host: String) throws {
        #expect(try problems(flags: ["host": .text(host)])[0].contains("there are no keys"))
        #expect(try read(flags: ["host": .text(host), "open": .text("true")]).isLoopback == false)
        #expect(try read(flags: ["host": .text(host), "keys": .text("keys")]).isLoopback == false)
    }

    @Test(arguments: ["127.0.0.1", "localhost", "LOCALHOST", "::1", "[::1]", "127.1.2.3", "0:0:0:0:0:0:0:1"])
    func onLoopbackNeitherIsNeeded(host: String) throws {
        let configuration = try read(flags: ["host": .text(host)])
        #expect(configuration.isLoopback)
        let own = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let policy = configuration.accessPolicy(keys: nil)
        #expect(policy.screen(RequestFacts(method: "GET", host: "\(own):4437")) == nil)
        #expect(policy.screen(RequestFacts(method: "GET", host: "evil.example"))?.status == 403)
    }

    @Test func openAndKeysContradictEachOther() throws {
        #expect(try problems(flags: ["open": .text("true"), "keys": .text("keys")])[0].hasPrefix("open: "))
    }

    @Test(arguments: ["10.0.0.1:80", "proxy", "10.0.0.0/33", "0.0.0.0/0", "::/0", "*"])
    func aProxyThatIsNoneOrEverybodyIsRefused(text: String) throws {
        let flags = ["access-log": "-", "trusted-proxies": text].mapValues { WrittenValue.text($0) }
        #expect(try problems(flags: flags).map { $0.hasPrefix("--trusted-proxies: ") } == [true])
    }

    @Test func proxiesCountInTheAccessLogOnly() throws {
        let flags = ["trusted-proxies": WrittenValue.text("10.0.0.1")]
        #expect(try problems(flags: flags)[0].hasPrefix("trusted-proxies: "))
    }

    @Test func anEventMustFitIntoWhatIsKept() throws {
        #expect(try problems(flags: ["kept-bytes": .text("64KiB")])[0].hasPrefix("event-bytes: "))
    }

    @Test(
        arguments: [
            (["tls-certificate": "a"], "tls-key: "), (["tls-key": "a"], "tls-certificate: "),
            (["tls-key-password-file": "a"], "tls-key-password-file: "),
            (["clear-text-port": "1"], "clear-text-port: "),
            (["tls-certificate": "a", "tls-key": "a", "port": "1", "clear-text-port": "1"], "clear-text-port: "),
        ] as [([String: String], String)]
    )
    func settingsOfTLSGoTogether(flags: [String: String], problem: String) throws {
        #expect(try problems(flags: flags.mapValues { .text($0) }).map { $0.hasPrefix(problem) } == [true])
    }

    @Test func bothPortsMayBeFreeOnes() throws {
        let flags = ["tls-certificate": "a", "tls-key": "a", "port": "0", "clear-text-port": "0"]
        #expect(try read(flags: flags.mapValues { .text($0) }).clearTextPort == 0)
    }

    @Test func aMissingCertificateIsNamed() throws {
        let configuration = try read(flags: ["tls-certificate": .text("/nowhere/a"), "tls-key": .text("/nowhere/b")])
        let files = try #require(configuration.certificateFiles)
        let trouble = try #require(throws: CertificateFiles.Trouble.self) { try files.read() }
        #expect(trouble.file == "/nowhere/a")
    }

    @Test func aMissingKeysFileIsNamed() throws {
        let configuration = try read(flags: ["keys": .text("/nowhere/keys")])
        let error = try #require(throws: KeyFileError.self) { try configuration.readKeys() }
        #expect(error.description.hasPrefix("/nowhere/keys: the keys file cannot be read"))
        #expect(try ServerConfiguration().readKeys() == nil)
    }
}
