import CompletionRelay
import FreshetHooks
import FreshetRelay
import FreshetServer
import FreshetTraces
import RedisStreamStore
import StreamHTTP

/// What a server is given before it is anything: its settings, and what the files and variables that they name hold.
@available(freshet 0.1, *)
struct ServerInputs {
    var configuration: ServerConfiguration
    /// The settings as they were written, without what this server has beside them.
    let written: ServerConfiguration
    let secrets: Secrets
    /// Settings that are written by names which they had before.
    let warnings: [String]
    /// The files that a timer looks at, and reads again where they change; none without one.
    let watchedFiles: [String]
    /// What they held before they were read.
    let watchedContents: FileContents

    /// What was read from files and the environment, and nobody else may know.
    struct Secrets {
        var keys: KeyRing?
        var certificate: CertificatePair?
        /// Of hooks.
        var hooks: Hooks.Secrets
        /// Of sessions, where a file of them is set.
        var sessions: SessionSecrets?
        /// The Redis that keeps the streams, where one does.
        var redis: RedisURL?
        /// What the collector of traces is called with.
        var collector: CollectorFields
        /// Those of the upstreams, by their names.
        var ownKeys: [String: String]
    }

    /// Reads all of it.
    ///
    /// - Parameter complete: adds to the settings what this server has beside them.
    /// - Throws: what is wrong; of the files everything, not only the first.
    init(
        _ options: ServeOptions,
        environment: [String: String],
        complete: (inout ServerConfiguration) throws -> Void = { _ in }
    ) throws {
        var warnings: [String] = []
        let settings = options.file(environment: environment).map { [$0] } ?? []
        var contents = FileContents(of: settings)
        var configuration = try options.configuration(environment: environment) { warnings.append($0) }
        if options.flags["store"] != nil, case .redis(let url) = configuration.store,
            url.password != nil || url.sentinelPassword != nil
        {
            let flag = url.password != nil ? "--redis-password-file" : "--redis-sentinel-password-file"
            warnings.append(
                "--store: others on this machine can see command lines, and this one has a password. Put it into a file: \(flag)"
            )
        }
        written = configuration
        try complete(&configuration)
        var problems: [String] = []
        let files = settings + configuration.filesReadAgain
        if configuration.reloadInterval != nil {
            if files.isEmpty {
                problems.append(
                    "reload-seconds: no file is named that could be read again, such as keys or a settings file. Take it out"
                )
            }
            contents.look(at: configuration.filesReadAgain)
            (watchedFiles, watchedContents) = (files, contents)
        } else {
            (watchedFiles, watchedContents) = ([], FileContents(of: []))
        }
        func read<Value>(_ body: () throws -> Value?) -> Value? {
            do {
                return try body()
            } catch {
                problems.append("\(error)")
                return nil
            }
        }
        let keys = read { try configuration.readKeys() }
        let certificate = read { try configuration.certificateFiles?.read() }
        let sessions = read { try configuration.readSessionSecrets() }
        let redis = read { try configuration.readRedis() }
        let hooks = read { try Hooks.Secrets(configuration) }
        let collector = read { try CollectorFields(configuration) }
        let ownKeys = read { try RelayConfiguration(configuration).ownKeys(environment) }
        guard problems.isEmpty, let ownKeys, let hooks, let collector else { throw ConfigurationError(problems) }
        self.configuration = configuration
        self.secrets = Secrets(
            keys: keys,
            certificate: certificate,
            hooks: hooks,
            sessions: sessions,
            redis: redis,
            collector: collector,
            ownKeys: ownKeys
        )
        self.warnings = warnings
    }

    /// Everything that the server would say of it at its start.
    ///
    /// - Parameter now: Seconds since 1970.
    func remarks(now: Int64) -> [String] {
        let certificate = secrets.certificate?.warning(now: now).map { [$0] } ?? []
        return warnings + (secrets.keys?.warnings ?? []) + certificate + configuration.secretFileWarnings
            + secrets.hooks.warnings
    }
}
