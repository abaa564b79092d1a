import ArgumentParser
import FreshetServer

/// The flags of `freshet serve`: one for each setting, and three that are none.
///
/// None has a default here: what is not given is left to the environment, the file and the table of settings.
@available(freshet 0.1, *)
struct ServeOptions: ParsableArguments, CustomReflectable {
    @Option(help: ArgumentHelp("YAML file of settings; FRESHET_CONFIG names one too.", valueName: "file"))
    var config: String?

    @Flag(help: "Print every setting with its default, as docs/configuration.md has it, and exit.")
    var printSettings = false

    @Flag(
        help: """
            Read the settings and the files that they name, say what is wrong with them or that nothing is, and exit.
            """
    )
    var checkConfig = false

    /// What was given, by the name of the setting.
    private(set) var flags: [String: WrittenValue] = [:]

    init() {}

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: SettingFlags.Key.self)
        _config = try container.decode(Option<String?>.self, forKey: "config")
        _printSettings = try container.decode(Flag<Bool>.self, forKey: "printSettings")
        _checkConfig = try container.decode(Flag<Bool>.self, forKey: "checkConfig")
        flags = try SettingFlags.given(SettingsTable.server, in: container)
    }

    /// What ArgumentParser takes for this type's properties.
    var customMirror: Mirror {
        Mirror(
            self,
            children: [("_config", _config), ("_printSettings", _printSettings), ("_checkConfig", _checkConfig)]
                + SettingFlags.declarations(of: SettingsTable.server)
        )
    }

    func validate() throws {
        if printSettings {
            throw CleanExit.message(SettingsReference.markdown())
        }
    }

    /// The path of the settings file that the flag, or else the environment, names.
    func file(environment: [String: String]) -> String? {
        if let config { return config }
        guard let named = environment["FRESHET_CONFIG"], !named.isEmpty else { return nil }
        return named
    }

    /// The configuration that these flags, this environment and the file that either names amount to.
    ///
    /// - Parameter warn: Called once for each setting that is written by a name it had before.
    func configuration(
        environment: [String: String],
        warn: (String) -> Void = { _ in }
    ) throws(ConfigurationError) -> ServerConfiguration {
        var file: ConfigurationFile?
        if let path = self.file(environment: environment) {
            file = try ConfigurationFile(path: path)
        }
        return try ServerConfiguration(flags: flags, environment: environment, file: file, warn: warn)
    }
}
