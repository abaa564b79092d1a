/// A setting that is written by the name it had before.
@available(freshet 0.1, *)
struct Renaming {
    private let name: String
    private let formerName: String
    private let former: [WrittenSetting]
    private let current: [WrittenSetting]

    /// Nil when nobody uses a former name of the setting.
    init?(of setting: any SettingDeclaration, in written: [WrittenSetting]) {
        guard let formerName = setting.formerName else { return nil }
        name = setting.name
        self.formerName = formerName
        former = written.filter { $0.name == formerName }
        current = written.filter { $0.name == setting.name }
        if former.isEmpty { return nil }
    }

    var warning: String {
        "The setting \(formerName) is called \(name) now. The old name still works; replace it here: "
            + former.map(\.place).joined(separator: ", ")
    }

    /// Of two names in one place neither can win.
    var problems: [String] {
        former.filter { entry in current.contains { $0.source == entry.source } }
            .map { "\($0.place): this is the former name of \(name), which is written there too. Take this one out" }
    }
}
