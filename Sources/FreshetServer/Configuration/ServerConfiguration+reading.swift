extension ServerConfiguration {
    /// Reads the settings once: a flag wins over the environment, the environment over the file, and what none of them
    /// says keeps its default.
    ///
    /// A value that something else overrides must make sense too: it would take effect on the day the other is removed.
    /// - Parameters:
    ///   - flags: Values by the name of the setting.
    ///   - environment: Variables; those that are not the server's are left alone.
    ///   - file: The configuration file, if there is one.
    /// - Throws: `ConfigurationError` with everything that is wrong, not only the first.
    package init(
        flags: [String: WrittenValue],
        environment: [String: String],
        file: ConfigurationFile?
    ) throws(ConfigurationError) {
        self.init()
        var problems: [String] = []
        var written = try file?.written() ?? []
        written += Self.written(environment, problems: &problems)
        written += flags.sorted { $0.key < $1.key }
            .map { WrittenSetting(name: $0.key, value: $0.value, place: "--\($0.key)") }

        for entry in written {
            guard let setting = ServerSettings.named(entry.name) else {
                problems.append("\(entry.place): there is no such setting\(Self.suggestion(entry.name))")
                continue
            }
            do throws(Refusal) {
                try setting.apply(entry.value, &self)
            } catch {
                problems.append("\(entry.place): \(error.reason)")
            }
        }
        problems += contradictions()
        guard problems.isEmpty else {
            throw ConfigurationError(problems)
        }
    }

    /// What is wrong with values that were set in code, by the rules for values that were written.
    ///
    /// - Parameter authorises: who may is decided by something else than keys.
    package func problems(authorises: Bool = false) -> [String] {
        var found: [String] = []
        for setting in ServerSettings.all {
            let text = setting.show(self)
            var other = self
            guard text != setting.defaultText else { continue }
            do throws(Refusal) {
                try setting.apply(.text(text), &other)
            } catch {
                found.append("\(setting.name): \(error.reason)")
            }
        }
        return found + contradictions(authorises: authorises)
    }

    /// What settings that are right one by one must not be together.
    private func contradictions(authorises: Bool = false) -> [String] {
        var found: [String] = []
        if !isLoopback, keys == nil, !open, !authorises {
            found.append(
                "host: other machines reach \(host), and there are no keys. Set keys to a keys file, or set open if "
                    + "everybody who reaches the server may do everything"
            )
        }
        if open, keys != nil {
            found.append("open: there are keys, and open says that none is needed. Take one of the two out")
        }
        if probe == true, !isLoopback, keys == nil {
            found.append(
                "probe: there are no keys that could sign its tokens, and everybody would reach it. Set keys, or put "
                    + "`freshet doctor --listen` behind the proxy instead"
            )
        }
        for (index, upstream) in upstreams.enumerated()
        where upstreams[..<index].contains(where: { $0.name == upstream.name }) {
            found.append("upstreams: two are named \(upstream.name). Give one of them another name before its address")
        }
        if !isLoopback, keys == nil, let upstream = upstreams.first(where: \.spendsOwnKey) {
            found.append(
                "upstreams: \(upstream.name) is called with the server's own key, which everybody who reaches the server "
                    + "could spend. Set keys to a keys file, or call it with key=caller"
            )
        }
        if let keptBytes, eventBytes > keptBytes {
            found.append("event-bytes: an event of that size could never be kept. Make it at most kept-bytes")
        }
        return found
    }

    private static func suggestion(_ name: String) -> String {
        let known = ServerSettings.all.map(\.name)
        return NearestName.of(name, among: known).map { "; did you mean \($0)?" }
            ?? "; `freshet serve --help` lists them all"
    }

    // MARK: Environment

    /// Variables of this prefix that other commands, or this one for another purpose, read.
    private static let otherVariables: Set<String> = ["CONFIG", "KEY", "TOKEN", "URL"]

    /// The settings in the environment. A name that is nearly one of ours is a slip and refused; any other belongs to
    /// somebody else, since whoever sets up a process may use the prefix for purposes of their own.
    private static func written(_ environment: [String: String], problems: inout [String]) -> [WrittenSetting] {
        var found: [WrittenSetting] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            // An empty variable is one that is not set: so container tools write a value they were not given.
            guard variable.utf8.starts(with: Setting.environmentPrefix.utf8), !value.isEmpty,
                !isServiceLink(variable, value)
            else {
                continue
            }
            if let setting = ServerSettings.all.first(where: { $0.environmentName == variable }) {
                found.append(WrittenSetting(name: setting.name, value: .text(value), place: variable))
                continue
            }
            let suffix = String(variable.dropFirst(Setting.environmentPrefix.count))
            let known = ServerSettings.all.map(\.name)
            if !otherVariables.contains(suffix), let near = NearestName.of(suffix, among: known),
                let setting = ServerSettings.named(near)
            {
                problems.append("\(variable): there is no such setting; did you mean \(setting.environmentName)?")
            }
        }
        return found
    }

    /// Kubernetes gives every container variables for each Service: one named `freshet` brings
    /// `FRESHET_PORT=tcp://10.0.0.1:4437` and a dozen beside it.
    private static func isServiceLink(_ variable: String, _ value: String) -> Bool {
        variable.contains("_SERVICE_HOST") || variable.contains("_SERVICE_PORT")
            || variable.contains("_TCP") || variable.contains("_UDP")
            || (variable.hasSuffix("_PORT") && value.contains("://"))
    }
}
