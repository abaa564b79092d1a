@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Reads the settings once: a flag wins over the environment, the environment over the file, and what none of them
    /// says keeps its default.
    ///
    /// A value that something else overrides must make sense too: it would take effect on the day the other is removed.
    /// - Parameters:
    ///   - flags: Values by the name of the setting.
    ///   - environment: Variables; those that are not the server's are left alone.
    ///   - file: The configuration file, if there is one.
    ///   - table: The settings that there are.
    ///   - warn: Called once for each setting that is written by a name it had before.
    /// - Throws: `ConfigurationError` with everything that is wrong, not only the first.
    package init(
        flags: [String: WrittenValue],
        environment: [String: String],
        file: ConfigurationFile?,
        table: SettingsTable = .server,
        warn: (String) -> Void = { _ in }
    ) throws(ConfigurationError) {
        self.init()
        var problems: [String] = []
        var written = try file?.written() ?? []
        written += Self.written(environment, table, problems: &problems)
        written += flags.sorted { $0.key < $1.key }
            .map { WrittenSetting(name: $0.key, value: $0.value, source: .flag, place: "--\($0.key)") }

        for entry in written {
            do throws(Refusal) {
                try set(entry.name, to: entry.value, of: table.settings)
            } catch {
                problems.append("\(entry.place): \(error.reason)")
            }
        }
        let renamed = table.settings.compactMap { Renaming(of: $0, in: written) }
        problems += renamed.flatMap(\.problems) + contradictions()
        // In a file, or in the environment of a container, it may stand for all that keep streams in a directory.
        if flags["data"] != nil, flags["store"] != nil, self.store != .directory {
            problems.append("--data: --store says that streams are not kept in a directory. Take one of the two out")
        }
        guard problems.isEmpty else {
            throw ConfigurationError(problems)
        }
        for setting in renamed { warn(setting.warning) }
    }

    /// What is wrong with values that were set in code, by the rules for values that were written.
    ///
    /// - Parameter authorises: who may is decided by something else than keys.
    package func problems(authorises: Bool = false) -> [String] {
        var found: [String] = []
        for setting in SettingsTable.server.settings {
            do throws(Refusal) {
                try setting.check(self)
            } catch {
                found.append("\(setting.name): \(error.reason)")
            }
        }
        return found + contradictions(authorises: authorises)
    }

    /// What settings that are right one by one must not be together.
    private func contradictions(authorises: Bool = false) -> [String] {
        var found: [String] = []
        let issuers = self.issuers
        found += tokenContradictions(issuers)
        found += hookContradictions()
        found += storeContradictions()
        found += traceContradictions()
        if !isLoopback, self.keys == nil, issuers.isEmpty, !self.open, !authorises {
            found.append(
                "host: other machines reach \(self.host), and there are no keys. Set keys to a keys file, or set open if "
                    + "everybody who reaches the server may do everything"
            )
        }
        switch (self.tlsCertificate, self.tlsKey) {
        case (.some, nil): found.append("tls-key: there is a certificate. Set tls-key to the file of its key")
        case (nil, .some):
            found.append("tls-certificate: there is a key. Set tls-certificate to the file of its certificate")
        case (.some, .some), (nil, nil): break
        }
        if self.tlsKeyPasswordFile != nil, self.tlsKey == nil {
            found.append("tls-key-password-file: there is no tls-key that it could open. Take it out, or set tls-key")
        }
        if let clear = self.clearTextPort {
            if self.tlsCertificate == nil {
                found.append("clear-text-port: without tls-certificate the port speaks clear text. Take it out")
            } else if clear != 0, clear == self.port {
                found.append("clear-text-port: port \(clear) speaks TLS. Give it another number")
            }
        }
        if self.open, self.keys != nil || !issuers.isEmpty {
            let what = self.keys == nil ? "issuers of tokens" : "keys"
            found.append("open: there are \(what), and open says that none is needed. Take one of the two out")
        }
        if self.probe == true, !isLoopback || !issuers.isEmpty, self.keys == nil {
            found.append(
                "probe: there are no keys that could sign its tokens, and everybody would reach it. Set keys, or put "
                    + "`freshet doctor --listen` behind the proxy instead"
            )
        }
        for (index, upstream) in self.upstreams.enumerated()
        where self.upstreams[..<index].contains(where: { $0.name == upstream.name }) {
            found.append("upstreams: two are named \(upstream.name). Give one of them another name before its address")
        }
        if !isLoopback, self.keys == nil, issuers.isEmpty, !authorises,
            let upstream = self.upstreams.first(where: \.spendsOwnKey)
        {
            found.append(
                "upstreams: \(upstream.name) is called with the server's own key, which everybody who reaches the server "
                    + "could spend. Set keys to a keys file, or call it with key=caller"
            )
        }
        if !self.trustedProxies.isEmpty, self.accessLog == nil {
            found.append("trusted-proxies: their word counts in the access log, and there is none. Set access-log too")
        }
        // Of `quota-bytes` it is not known here: streams inside a program obey it whoever serves them.
        if self.keys == nil, issuers.isEmpty, !authorises, !QuotaLimits(self).areOff {
            found.append(
                "quotas: without keys nobody is known whose requests, reads, producers or streams could be counted. Set keys, "
                    + "or take the quotas out"
            )
        }
        if let keptBytes = self.keptBytes, self.eventBytes > keptBytes {
            found.append("event-bytes: an event of that size could never be kept. Make it at most kept-bytes")
        }
        return found
    }

    /// Sets one of some settings.
    package mutating func set(
        _ name: String,
        to written: WrittenValue,
        of settings: [any SettingDeclaration]
    ) throws(Refusal) {
        guard let setting = settings.first(where: { $0.names.contains(name) }) else {
            let near = NearestName.of(name, among: settings.map(\.name)).map { "did you mean \($0)?" }
            throw Refusal("there is no such setting; \(near ?? "`freshet serve --help` lists them all")")
        }
        try setting.apply(written, to: &self)
    }

    // MARK: Environment

    /// Variables of this prefix that other commands, or this one for another purpose, read.
    private static let otherVariables: Set<String> = ["CONFIG", "KEY", "TOKEN", "URL"]

    /// The settings in the environment. A name that is nearly one of ours is a slip and refused; any other belongs to
    /// somebody else, since whoever sets up a process may use the prefix for purposes of their own.
    private static func written(
        _ environment: [String: String],
        _ table: SettingsTable,
        problems: inout [String]
    ) -> [WrittenSetting] {
        var found: [WrittenSetting] = []
        for (variable, value) in environment.sorted(by: { $0.key < $1.key }) {
            // An empty variable is one that is not set: so container tools write a value they were not given.
            guard variable.utf8.starts(with: SettingsTable.environmentPrefix.utf8), !value.isEmpty,
                !isServiceLink(variable, value)
            else {
                continue
            }
            let names = table.settings.flatMap(\.names)
            if let name = names.first(where: { SettingsTable.environmentName($0) == variable }) {
                found.append(WrittenSetting(name: name, value: .text(value), source: .environment, place: variable))
                continue
            }
            let suffix = String(variable.dropFirst(SettingsTable.environmentPrefix.count))
            let known = table.settings.map(\.name)
            if !otherVariables.contains(suffix), let near = NearestName.of(suffix, among: known),
                let setting = table.named(near)
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
