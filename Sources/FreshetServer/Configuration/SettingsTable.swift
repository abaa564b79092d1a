/// The settings that there are, by their headings: what `ServerSettings` declares, unless a test adds one.
@available(freshet 0.1, *)
package struct SettingsTable: Sendable {
    /// Settings that belong together, under the heading they have in the documentation.
    package struct Group: Sendable {
        package let title: String
        package var settings: [any SettingDeclaration]
        let reach: SettingReach
    }

    package var groups: [Group]

    package static let server = SettingsTable(of: ServerSettings.all)

    static let environmentPrefix = "FRESHET_"

    /// The variable of a setting, by its name.
    static func environmentName(_ name: String) -> String {
        environmentPrefix + name.uppercased().split(separator: "-").joined(separator: "_")
    }

    /// Takes the members in their order, so that a setting is declared and nowhere listed.
    private init(of declarations: ServerSettings) {
        groups = []
        take(declarations)
    }

    private mutating func take(_ declarations: Any) {
        for member in Mirror(reflecting: declarations).children {
            switch member.value {
            case let part as RelaySettings: take(part)
            case let part as TokenSettings: take(part)
            case let part as QuotaSettings: take(part)
            case let part as HookSettings: take(part)
            case let part as TraceSettings: take(part)
            case let part as RedisSettings: take(part)
            case let heading as Heading: groups.append(Group(title: heading.title, settings: [], reach: heading.reach))
            case let setting as any SettingDeclaration: groups[groups.count - 1].settings.append(setting)
            default: preconditionFailure("\(member.label ?? "a member") is neither a setting nor a heading")
            }
        }
    }

    package var settings: [any SettingDeclaration] { groups.flatMap(\.settings) }

    package func named(_ name: String) -> (any SettingDeclaration)? { settings.first { $0.name == name } }

    /// The settings that can be set in one place of a program.
    package func settings(in reach: Set<SettingReach>) -> [any SettingDeclaration] {
        groups.flatMap { group in group.settings.filter { reach.contains($0.reach ?? group.reach) } }
    }
}

/// What the settings that follow it have in common.
@available(freshet 0.1, *)
struct Heading: Sendable {
    let title: String
    let reach: SettingReach

    init(_ title: String, in reach: SettingReach) {
        self.title = title
        self.reach = reach
    }
}

@available(freshet 0.1, *)
extension ServerSettings {
    package static let all = ServerSettings()
}
