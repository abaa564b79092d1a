import ArgumentParser
import FreshetServer
import Testing

@testable import FreshetCLI

@Suite struct ServeOptionsTests {
    /// A value other than the default, for the settings that 900 does not suit.
    private static let values = [
        "host": "::1", "keys": "keys", "durability": "os", "log-level": "debug", "header-bytes": "8KiB",
        "kept-bytes": "2MiB", "probe": "false",
        "upstreams": "openai", "relay-body-bytes": "2MiB",
        "allowed-origins": "https://a.example", "hosts": "a.example", "create-on-post": "a/", "public-cache": "a/",
    ]

    @Test(arguments: ServerSettings.all.map(\.name))
    func everySettingHasAFlagThatReachesIt(name: String) throws {
        let setting = try #require(ServerSettings.named(name))
        let value = setting.isToggle ? "true" : Self.values[name] ?? "900"
        let options = try ServeOptions.parse(setting.isToggle ? [setting.flag] : [setting.flag, value])
        #expect(options.flags == [name: .text(value)])
        #expect(try options.configuration(environment: [:]) != ServerConfiguration())
    }

    @Test func thereIsNoFlagThatIsNoSetting() throws {
        let help = ServeOptions.helpMessage(columns: 1000)
        let flags = help.matches(of: /(?m)^  --([a-z-]+)/).map { String($0.output.1) }
        let known = ServerSettings.all.map(\.name) + ["config", "print-settings"]
        #expect(Set(flags).subtracting(["help"]) == Set(known))
        for setting in ServerSettings.all {
            #expect(help.contains("\(setting.help) (default: "))
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
        #expect(ServeOptions.message(for: error) == SettingsReference.markdown)
    }
}
