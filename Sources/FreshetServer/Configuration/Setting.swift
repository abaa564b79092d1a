/// One setting: its name, what it may be, what it does, and where its value goes.
package struct Setting: Sendable {
    /// The key in a YAML file, and the flag after `--`.
    package let name: String
    /// What it does, in a sentence or two; the default is not part of it.
    package let help: String
    /// The value's name in a usage line.
    package let placeholder: String
    /// What the value may be.
    package let allowed: String
    /// Whether its value is true or false, so that its flag needs no value.
    package let isToggle: Bool
    /// The value that it has when nothing is written.
    package let defaultText: String

    let apply: @Sendable (WrittenValue, inout ServerConfiguration) throws(Refusal) -> Void
    let show: @Sendable (ServerConfiguration) -> String

    init<Value: Sendable>(
        _ name: String,
        _ path: any WritableKeyPath<ServerConfiguration, Value> & Sendable,
        _ kind: SettingKind<Value>,
        _ help: String
    ) {
        self.name = name
        self.help = help
        placeholder = kind.placeholder
        allowed = kind.allowed
        isToggle = Value.self == Bool.self
        apply = { written, configuration throws(Refusal) in
            configuration[keyPath: path] = try kind.parse(written)
        }
        show = { kind.show($0[keyPath: path]) }
        defaultText = kind.show(ServerConfiguration()[keyPath: path])
    }

    package var flag: String {
        "--\(name)"
    }

    package var environmentName: String {
        Self.environmentPrefix + name.uppercased().split(separator: "-").joined(separator: "_")
    }

    static let environmentPrefix = "FRESHET_"
}
