import CompletionRelay
import Foundation
import FreshetHooks
import FreshetServer
import FreshetTokens
import FreshetTraces
import Logging
import PrintableText
import StreamHTTP

/// Reads again what may change while a server runs: all of it, or nothing where something is wrong. `Reloads` says when.
@available(freshet 0.1, *)
actor Reloading {
    let options: ServeOptions
    let environment: [String: String]
    let service: FreshetService
    /// Their issuers stay as they are; the keys in their files do not.
    let tokens: SignedTokenAuthenticator?
    /// Their secrets are read again, and one that answered 410 is called again.
    let hooks: Hooks?
    /// What their collector is called with is read again.
    let traces: Traces?
    /// Those of a file are read again.
    private var sessions: SessionSecrets
    /// The settings as they were written, with what was taken of them since.
    private var written: ServerConfiguration
    /// Those that the server runs by: with what it has beside them.
    private var running: ServerConfiguration
    private var logger: Logger
    /// Why nothing could be taken the last time; nil where it could.
    private var failure: String?

    /// The settings that take effect. Of the files that others name, what they hold does.
    static let settings = [
        ServerSettings.all.allowedOrigins.name, ServerSettings.all.hosts.name, ServerSettings.all.logLevel.name,
    ]

    init(
        options: ServeOptions,
        environment: [String: String],
        service: FreshetService,
        tokens: SignedTokenAuthenticator?,
        hooks: Hooks?,
        traces: Traces?,
        sessions: SessionSecrets,
        written: ServerConfiguration,
        running: ServerConfiguration,
        logger: Logger
    ) {
        self.options = options
        self.environment = environment
        self.service = service
        self.tokens = tokens
        self.hooks = hooks
        self.traces = traces
        self.sessions = sessions
        self.written = written
        self.running = running
        self.logger = logger
    }

    /// Whether there is anything that could be read again.
    static func isOfUse(_ options: ServeOptions, _ environment: [String: String], _ running: ServerConfiguration)
        -> Bool
    {
        options.file(environment: environment) != nil || !running.filesReadAgain.isEmpty
            || (running.accessLog.map { $0 != AccessLogFile.standardOutput } ?? false)
    }

    /// - Returns: whether it could be taken.
    func reload(_ occasion: ReloadOccasion) async -> Bool {
        // Whoever has moved the file away waits for that, whatever is wrong elsewhere.
        if occasion == .signal { service.reopenAccessLog() }
        let found: ServerConfiguration
        let keys: KeyRing?
        let certificate: CertificatePair?
        let tokenKeys: SignedTokenAuthenticator.ReadKeys?
        let foundSessions: SessionSecrets?
        let hookSecrets: Hooks.Secrets
        let collector: CollectorFields
        do {
            found = try options.configuration(environment: environment)
            keys = try running.readKeys()
            certificate = try running.certificateFiles?.read()
            foundSessions = try running.readSessionSecrets()
            hookSecrets = try Hooks.Secrets(running)
            collector = try CollectorFields(running)
            // It tells of keys that it leaves out, and has told of them.
            tokenKeys = try tokens?.readKeys(logger: occasion == .retry ? Self.silence : logger)
        } catch {
            let reason = PrintableText.escaped("\(error)")
            if occasion != .retry || reason != failure {
                logger.error("Nothing was reloaded: everything stays as it was: \(reason)")
            }
            failure = reason
            return false
        }
        failure = nil
        let changed = found.differences(from: written)
        Self.take(found, into: &written)
        Self.take(found, into: &running)
        if let tokens, let tokenKeys { tokens.replaceKeys(with: tokenKeys) }
        if let foundSessions { sessions = foundSessions }
        await hooks?.reload(hookSecrets)
        traces?.reload(collector)
        await service.reload(running.accessPolicy(keys: keys, tokens: tokens, sessions: sessions), certificate)
        // Of all loggers: they share it.
        logger.logLevel = running.logLevel
        var metadata: Logger.Metadata = [:]
        let taken = changed.filter { Self.settings.contains($0) }
        if !taken.isEmpty { metadata["changed"] = "\(taken.joined(separator: ", "))" }
        if let keys { metadata["keys"] = "\(keys.count)" }
        for warning in keys?.warnings ?? [] { logger.warning("\(PrintableText.escaped(warning))") }
        logger.notice("The configuration was reloaded.", metadata: metadata)
        let left = changed.filter { !Self.settings.contains($0) }
        if !left.isEmpty {
            logger.warning(
                "Some settings that have changed take effect at the next start only.",
                metadata: ["settings": "\(left.joined(separator: ", "))"]
            )
        }
        return true
    }

    private static let silence = Logger(label: "freshet") { _ in SwiftLogNoOpLogHandler() }

    private static func take(_ found: ServerConfiguration, into configuration: inout ServerConfiguration) {
        configuration.allowedOrigins = found.allowedOrigins
        configuration.hosts = found.hosts
        configuration.logLevel = found.logLevel
    }
}
