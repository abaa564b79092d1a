/// Everything that can be set about a server, validated. What nobody has set has its default.
///
/// There is a property for each member of `ServerSettings`: `configuration.heartbeat`.
@available(freshet 0.1, *)
@dynamicMemberLookup
package struct ServerConfiguration: Sendable, Hashable {
    /// What differs from its default, by the name of the setting.
    private var values: [String: StoredValue] = [:]

    package init() {}

    package subscript<Value>(dynamicMember member: KeyPath<ServerSettings, Setting<Value>>) -> Value {
        get { self[ServerSettings.all[keyPath: member]] }
        set { self[ServerSettings.all[keyPath: member]] = newValue }
    }

    package subscript<Value>(setting: Setting<Value>) -> Value {
        get {
            guard let stored = values[setting.name] else { return setting.defaultValue }
            guard let value = stored.value as? Value else {
                preconditionFailure("two settings are named \(setting.name)")
            }
            return value
        }
        set { values[setting.name] = newValue == setting.defaultValue ? nil : StoredValue(value: newValue) }
    }

    /// Takes what others set of settings that are not set here.
    package mutating func merge(_ others: ServerConfiguration) {
        values.merge(others.values) { own, _ in own }
    }

    /// The names of the settings that have another value there.
    package func differences(from other: ServerConfiguration) -> [String] {
        Set(values.keys).union(other.values.keys).filter { values[$0] != other.values[$0] }.sorted()
    }

    /// Whether only this machine can reach the address it binds.
    package var isLoopback: Bool {
        guard let name = (Authority(parsing: self.host) ?? Authority(parsing: "[\(self.host)]"))?.host else {
            return false
        }
        let octets = name.split(separator: ".", omittingEmptySubsequences: false)
        let isIPv4Loopback = octets.count == 4 && octets[0] == "127" && octets.allSatisfy { UInt8($0) != nil }
        return name == "localhost" || name == "[::1]" || isIPv4Loopback
    }
}

/// The value of a setting whose type its declaration knows.
@available(freshet 0.1, *)
private struct StoredValue: Sendable, Hashable {
    let value: any Hashable & Sendable

    static func == (one: StoredValue, other: StoredValue) -> Bool { AnyHashable(one.value) == AnyHashable(other.value) }

    func hash(into hasher: inout Hasher) { value.hash(into: &hasher) }
}
