/// One setting: its name, what it may be, its default, what it does, and where it can be set.
@available(freshet 0.1, *)
package struct Setting<Value: Hashable & Sendable>: SettingDeclaration {
    package let name: String
    package let formerName: String?
    package let help: String
    package let reach: SettingReach?
    package let defaultValue: Value
    let kind: SettingKind<Value>

    /// - Parameters:
    ///   - reach: Where it can be set beside the program; nil for what its heading says.
    ///   - formerName: What it was called before. Flags, variables and files that say so still set it.
    package init(
        _ name: String,
        _ kind: SettingKind<Value>,
        default defaultValue: Value,
        in reach: SettingReach? = nil,
        formerly formerName: String? = nil,
        _ help: String
    ) {
        self.name = name
        self.formerName = formerName
        self.help = help
        self.reach = reach
        self.defaultValue = defaultValue
        self.kind = kind
    }

    package var placeholder: String { kind.placeholder }
    package var allowed: String { kind.allowed }
    package var isToggle: Bool { Value.self == Bool.self }
    package var isList: Bool { kind.members != nil }
    package var defaultText: String { kind.show(defaultValue) }

    package func apply(_ written: WrittenValue, to configuration: inout ServerConfiguration) throws(Refusal) {
        configuration[self] = try kind.parse(written)
    }

    package func check(_ configuration: ServerConfiguration) throws(Refusal) {
        let value = configuration[self]
        if value != defaultValue { _ = try kind.parse(kind.written(value)) }
    }

    package func show(_ configuration: ServerConfiguration) -> String { kind.show(configuration[self]) }
}

/// A setting whatever the type of its value: what flags, environment, file and documentation need to know of it.
@available(freshet 0.1, *)
package protocol SettingDeclaration: Sendable {
    /// The key in a YAML file, and the flag after `--`.
    var name: String { get }
    /// What it was called before, which still sets it; nil for most.
    var formerName: String? { get }
    /// What it does, in a sentence or two; the default is not part of it.
    var help: String { get }
    /// Where it can be set beside the program; nil for what its heading says.
    var reach: SettingReach? { get }
    /// The value's name in a usage line.
    var placeholder: String { get }
    /// What the value may be.
    var allowed: String { get }
    /// Whether its value is true or false, so that its flag needs no value.
    var isToggle: Bool { get }
    /// Whether its flag may be given several times.
    var isList: Bool { get }
    /// The value that it has when nothing is written.
    var defaultText: String { get }

    func apply(_ written: WrittenValue, to configuration: inout ServerConfiguration) throws(Refusal)
    /// Whether a value that was set in code is one that could have been written.
    func check(_ configuration: ServerConfiguration) throws(Refusal)
    func show(_ configuration: ServerConfiguration) -> String
}

@available(freshet 0.1, *)
extension SettingDeclaration {
    package var flag: String { "--\(name)" }

    package var environmentName: String { SettingsTable.environmentName(name) }

    /// What sets it: its name, and the one it had before.
    package var names: [String] { [name] + (formerName.map { [$0] } ?? []) }

    /// What it does, for people who look it up, and what it was called before.
    package var description: String { formerName.map { "\(help) Formerly \($0), which still works." } ?? help }
}

/// Where a setting can be set: by the program always, and in code by programs that embed a server.
@available(freshet 0.1, *)
package enum SettingReach: Sendable {
    /// By the program `freshet` only.
    case program
    /// With the relay: `ModelRelay` of FreshetRelay.
    case relay
    /// With the streams: `EventStreams.Configuration`.
    case streams
    /// With a whole server: `EmbeddedServer.Configuration`.
    case server
    /// With a whole server, and with the routes inside another server: `HummingbirdStreams.Configuration` too.
    case requests
}
