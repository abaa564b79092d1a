import ArgumentParser
import Testing

@testable import FreshetCLI
@testable import FreshetServer

@Suite struct ServeOptionsTests {
    /// A value other than the default, for the settings that 900 does not suit.
    private static let values = [
        "host": "::1", "keys": "keys", "durability": "os", "log-level": "debug", "header-bytes": "8KiB",
        "kept-bytes": "2MiB", "probe": "false",
        "upstreams": "openai", "relay-response-fields": "x-a", "relay-body-bytes": "2MiB", "relay-event-bytes": "3MiB",
        "allowed-origins": "https://a.example", "hosts": "a.example", "create-on-post": "a/", "public-cache": "a/",
        "public-url": "https://a.example/live", "log-format": "json", "inflight-bytes": "512MiB",
        "jwt-algorithms": "HS256", "jwt-template": "read=users/{sub}/", "jwt-leeway-seconds": "9",
        "jwt": "issuer=a audience=b keys=900", "trusted-proxies": "10.0.0.0/8",
        "hook": "http://127.0.0.1:9/", "hook-prefix": "a/", "hooks": "url=http://127.0.0.1:9/ secret-file=900",
        "otlp-endpoint": "http://127.0.0.1:9", "otlp-sample": "0.5",
        "store": "rediss-sentinel://127.0.0.1:9/m", "redis-replicas": "2",
    ]

    /// Settings that are refused without others.
    private static let company = [
        "tls-certificate": ["tls-key"], "tls-key": ["tls-certificate"],
        "tls-key-password-file": ["tls-certificate", "tls-key"], "clear-text-port": ["tls-certificate", "tls-key"],
        "jwt-issuer": ["jwt-audience", "jwt-keys"], "jwt-audience": ["jwt-issuer", "jwt-keys"],
        "trusted-proxies": ["access-log"],
        "quota-requests-per-second": ["keys"], "quota-readers": ["keys"], "quota-producers": ["keys"],
        "quota-streams-per-hour": ["keys"],
        "jwt-algorithms": ["jwt-keys"], "jwt-claim": ["jwt-keys"], "jwt-template": ["jwt-keys"],
        "hook": ["hook-secret-file"], "hook-secret-file": ["hook"], "hook-prefix": ["hook", "hook-secret-file"],
        "otlp-headers-file": ["otlp-endpoint"],
        "redis-replicas": ["store"], "redis-password-file": ["store"], "redis-ca-file": ["store"],
        "redis-sentinel-password-file": ["store"],
        "redis-require-safe": ["store"],
    ]

    @Test(arguments: SettingsTable.server.settings.map(\.name))
    func everySettingHasAFlagThatReachesIt(name: String) throws {
        let setting = try #require(SettingsTable.server.named(name))
        let isOn = setting.isToggle && setting.defaultText == "true"
        let value = setting.isToggle ? "\(!isOn)" : Self.values[name] ?? "900"
        let flags = setting.isToggle ? [isOn ? "--no-\(name)" : setting.flag] : [setting.flag, value]
        let options = try ServeOptions.parse(flags)
        #expect(options.flags == [name: .text(value)])
        let others = (Self.company[name] ?? []).flatMap { ["--\($0)", Self.values[$0] ?? "900"] }
        let without = try ServeOptions.parse(others)
        let with = try ServeOptions.parse(others + flags)
        // Alone, what cannot stand alone is refused; beside its company it changes something.
        #expect(try with.configuration(environment: [:]) != (try? without.configuration(environment: [:])))
    }

    @Test func thereIsNoFlagThatIsNoSetting() throws {
        let help = ServeOptions.helpMessage(columns: 1000)
        let flags = help.matches(of: /(?m)^  --([a-z0-9-]+)/).map { String($0.output.1) }
        let known = SettingsTable.server.settings.map(\.name) + ["config", "print-settings", "check-config"]
        #expect(Set(flags).subtracting(["help"]) == Set(known))
        for setting in SettingsTable.server.settings {
            #expect(help.contains("\(setting.description) (default: "))
        }
    }

    @Test(arguments: SettingsTable.server.settings.compactMap(\.formerName))
    func aFormerNameIsAFlagThatTheHelpMentionsOnce(name: String) throws {
        let options = try ServeOptions.parse(["--\(name)", "5"])
        #expect(options.flags == [name: .text("5")])
        var warnings: [String] = []
        _ = try options.configuration(environment: [:]) { warnings.append($0) }
        #expect(warnings.count == 1)
        #expect(ServeOptions.helpMessage(columns: 1000).ranges(of: name).count == 1)
    }

    /// What `ServeOptions` does with the table of settings, done with a table that has one setting more.
    private struct OneSettingMore: ParsableArguments, CustomReflectable {
        static let teapots = Setting<Int>("tea-pots", .whole(1...9), default: 3, "Teapots on the shelf.")
        static let table = {
            var table = SettingsTable.server
            let reading = table.groups.firstIndex { $0.title == "Reading" }
            table.groups[reading ?? 0].settings.append(teapots)
            return table
        }()

        var flags: [String: WrittenValue] = [:]

        init() {}
        init(from decoder: any Decoder) throws {
            flags = try SettingFlags.given(Self.table, in: decoder.container(keyedBy: SettingFlags.Key.self))
        }
        var customMirror: Mirror { Mirror(self, children: SettingFlags.declarations(of: Self.table)) }
    }

    @Test func aSettingIsDeclaredAndNothingElseIsEdited() throws {
        let (teapots, table) = (OneSettingMore.teapots, OneSettingMore.table)
        func read(_ flags: [String], _ environment: [String: String] = [:], _ file: String = "") throws -> Int {
            try ServerConfiguration(
                flags: OneSettingMore.parse(flags).flags,
                environment: environment,
                file: ConfigurationFile(name: "freshet.yaml", text: file),
                table: table
            )[teapots]
        }
        #expect(try read([]) == 3)
        #expect(try read(["--tea-pots", "4"]) == 4)
        #expect(try read([], ["FRESHET_TEA_POTS": "5"]) == 5)
        #expect(try read([], [:], "tea-pots: 6") == 6)
        #expect(throws: ConfigurationError(["--tea-pots: \"10\" is not a whole number from 1 to 9"])) {
            try read(["--tea-pots", "10"])
        }
        #expect(
            throws: ConfigurationError(["FRESHET_TEA_POT: there is no such setting; did you mean FRESHET_TEA_POTS?"])
        ) {
            try read([], ["FRESHET_TEA_POT": "1"])
        }
        let help = OneSettingMore.helpMessage(columns: 1000)
        #expect(help.contains("--tea-pots <number>") && help.contains("Teapots on the shelf. (default: 3)"))
        for shell in CompletionShell.allCases {
            #expect(OneSettingMore.completionScript(for: shell).contains("tea-pots"))
        }
        let row = "| `tea-pots` | `3` | Teapots on the shelf. | a whole number from 1 to 9 |"
        #expect(SettingsReference.markdown(table).contains(row))
        // What embedders set by its name: a whole server, and the routes inside another one.
        for reach in [[.server, .requests], [.requests]] as [Set<SettingReach>] {
            var configuration = ServerConfiguration()
            try configuration.set("tea-pots", to: .text("7"), of: table.settings(in: reach))
            #expect(configuration[teapots] == 7)
        }
    }

    @Test func nothingGivenLeavesEverythingToTheOtherPlaces() throws {
        let options = try ServeOptions.parse([])
        #expect(options.flags.isEmpty)
        #expect(try options.configuration(environment: ["FRESHET_PORT": "1"]).port == 1)
    }

    @Test func aToggleCanBeTurnedOffAgain() throws {
        let options = try ServeOptions.parse(["--no-open"])
        #expect(try options.configuration(environment: ["FRESHET_OPEN": "true"]).open == false)
    }

    @Test func aListMayBeGivenInPieces() throws {
        let options = try ServeOptions.parse(["--hosts", "a,b", "--hosts", "c"])
        #expect(try options.configuration(environment: [:]).hosts == ["a", "b", "c"])
    }

    @Test func theFileIsNamedByAFlagOrTheEnvironment() throws {
        for (arguments, environment) in [
            (["--config", "/nowhere/a"], [:]), ([], ["FRESHET_CONFIG": "/nowhere/a"]),
            (["--config", "/nowhere/a"], ["FRESHET_CONFIG": "/nowhere/b"]),
        ] {
            let options = try ServeOptions.parse(arguments)
            let error = try #require(throws: ConfigurationError.self) {
                try options.configuration(environment: environment)
            }
            #expect(error.description.hasPrefix("/nowhere/a: "))
        }
    }

    @Test func theSettingsArePrintedInsteadOfServing() throws {
        let error = try #require(throws: (any Error).self) { try ServeOptions.parse(["--print-settings"]) }
        #expect(ServeOptions.exitCode(for: error) == .success)
        #expect(ServeOptions.message(for: error) == SettingsReference.markdown())
    }
}
