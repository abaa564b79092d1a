import ArgumentParser
import FreshetServer

/// A flag for each setting of a table, as properties of a `ParsableArguments` type that it does not have.
///
/// ArgumentParser learns of a type's options from its mirror, and gives the values to its `init(from:)` by the names of
/// the properties. A type that makes both from the table has every flag, with its help and its completion, and lists
/// none.
@available(freshet 0.1, *)
enum SettingFlags {
    /// The name of a setting, or of a property.
    struct Key: CodingKey, ExpressibleByStringLiteral {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) { self.stringValue = stringValue }
        init(stringLiteral value: String) { stringValue = value }
        init?(intValue: Int) { nil }
    }

    /// The options that stand for the settings.
    static func declarations(of table: SettingsTable) -> [(label: String?, value: Any)] {
        var declarations: [(label: String?, value: Any)] = []
        for setting in table.settings {
            let value = setting.defaultText.isEmpty ? "none" : setting.defaultText
            let help = ArgumentHelp("\(setting.description) (default: \(value))", valueName: setting.placeholder)
            declarations.append((setting.name, option(for: setting, setting.name, help)))
            guard let former = setting.formerName else { continue }
            declarations.append((former, option(for: setting, former, .hidden)))
        }
        return declarations
    }

    private static func option(for setting: any SettingDeclaration, _ name: String, _ help: ArgumentHelp) -> Any {
        let name = NameSpecification.customLong(name)
        if setting.isToggle { return Flag<Bool?>(name: name, inversion: .prefixedNo, help: help) }
        if setting.isList { return Option<[String]>(wrappedValue: [], name: name, help: help) }
        return Option<String?>(name: name, help: help)
    }

    /// What was given, by the name of the setting, or the one it had before.
    static func given(
        _ table: SettingsTable,
        in container: KeyedDecodingContainer<Key>
    ) throws -> [String: WrittenValue] {
        var given: [String: WrittenValue] = [:]
        for setting in table.settings {
            for name in setting.names {
                let key = Key(stringValue: name)
                if setting.isToggle {
                    let value = try container.decode(Flag<Bool?>.self, forKey: key).wrappedValue
                    given[name] = value.map { .text(String($0)) }
                } else if setting.isList {
                    // It may be given several times, and each time with several members.
                    let values = try container.decode(Option<[String]>.self, forKey: key).wrappedValue
                    given[name] = values.isEmpty ? nil : .text(values.joined(separator: ","))
                } else {
                    given[name] = try container.decode(Option<String?>.self, forKey: key).wrappedValue
                        .map { .text($0) }
                }
            }
        }
        return given
    }
}
