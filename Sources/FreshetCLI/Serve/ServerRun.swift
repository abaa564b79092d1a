import ArgumentParser
import CompletionRelay
import EventSource
import Foundation
import FreshetDemo
import FreshetHooks
import FreshetRelay
import FreshetServer
import FreshetTokens
import FreshetTraces
import Logging
import NIOCore
import PrintableText
import StreamCore
import StreamHTTP

/// One run of a server, from its configuration to its last signal.
@available(freshet 0.1, *)
struct ServerRun {
    var options: ServeOptions
    /// What follows the URL.
    var invitation: String?
    /// Keep streams in memory unless another directory than the default is named.
    var isDemonstration = false
    /// Upstreams for a server whose configuration names none.
    var usualUpstreams: [UpstreamSetting] = []
    /// Upstreams that the server has beside those of its configuration.
    var ownUpstreams: [UpstreamSetting] = []
    /// Further routes, which may ask models through the relay.
    var extra: @Sendable (Streams, Relay?) -> [any RouteGroup] = { _, _ in [] }

    func run() async throws {
        let environment = ProcessInfo.processInfo.environment
        var inputs: ServerInputs
        do {
            inputs = try ServerInputs(options, environment: environment) { configuration in
                if configuration.upstreams.isEmpty { configuration.upstreams = usualUpstreams }
                try addOwnUpstreams(to: &configuration)
            }
        } catch {
            throw ValidationError("\(error)")
        }
        var logger = Logger(label: "freshet")
        logger.logLevel = inputs.configuration.logLevel
        if options.checkConfig {
            let tokens = try readTokens(inputs.configuration, logger)
            await tokens?.stop()
            for remark in inputs.remarks(now: Int64(SystemTime().wallMilliseconds() / 1000)) { Terminal.note(remark) }
            return try Terminal.write(Array("The configuration is valid.\n".utf8))
        }
        let output = LogOutput(inputs.configuration.logFormat)
        LoggingSystem.bootstrap { OutputLogHandler(label: $0, output: output) }
        logger = Logger(label: "freshet")
        logger.logLevel = inputs.configuration.logLevel
        let tokens = try readTokens(inputs.configuration, logger)
        await tokens?.start()
        var result = Result<Void, any Error>.success(())
        do {
            try await serve(&inputs, tokens, environment, logger)
        } catch {
            result = .failure(error)
        }
        await tokens?.stop()
        await output.flush()
        try result.get()
    }

    private func readTokens(
        _ configuration: ServerConfiguration,
        _ logger: Logger
    ) throws -> SignedTokenAuthenticator? {
        do {
            return try SignedTokenAuthenticator(configuration, logger: logger)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    private func serve(
        _ inputs: inout ServerInputs,
        _ tokens: SignedTokenAuthenticator?,
        _ environment: [String: String],
        _ logger: Logger
    ) async throws {
        for warning in inputs.warnings { logger.warning("\(warning)") }
        for warning in inputs.secrets.keys?.warnings ?? [] { logger.warning("\(PrintableText.escaped(warning))") }
        prepareProcess(&inputs.configuration, logger)
        let (configuration, secrets) = (inputs.configuration, inputs.secrets)

        let keeping = try await Keeping.open(place(configuration), configuration, redis: secrets.redis, logger)
        let ownPort = OwnPort()
        let sessions = try await sessionSecrets(secrets, keeping, hasTokens: tokens != nil)
        let access = CurrentAccess(
            configuration.accessPolicy(keys: secrets.keys, tokens: tokens, sessions: sessions)
        )
        let hooks = Hooks(configuration, secrets.hooks, outbox: keeping.outbox, logger: logger)
        for warning in secrets.hooks.warnings { logger.warning("\(PrintableText.escaped(warning))") }
        if hooks != nil, case .memory = keeping {
            logger.warning("What hooks were not told yet is kept in memory: it is lost when the server ends.")
        }
        let traces = Traces(configuration, secrets.collector, logger: logger)
        let service = await FreshetService(
            configuration: configuration,
            store: keeping.store,
            keys: secrets.keys,
            tokens: tokens,
            access: access,
            certificate: secrets.certificate,
            logger: logger,
            tracer: traces?.tracer,
            sources: traces.map { [$0] } ?? [],
            extra: { [extra, logger] streams in
                // Before the relay, whose paths are all others under /v1.
                let told: [any RouteGroup] = hooks.map { [HookRoutes($0)] } ?? []
                guard !configuration.upstreams.isEmpty else { return told + extra(streams, nil) }
                let client = HTTPUpstream.client()
                let relay = Relay(
                    streams: streams,
                    configuration: RelayConfiguration(configuration),
                    ownKeys: secrets.ownKeys,
                    client: client,
                    logger: logger,
                    tracer: traces?.tracer,
                    builtin: { ownPort.named(in: Answerer.builtIn.answer(to: $0)).words }
                )
                let routes = RelayRoutes(
                    relay: relay,
                    access: access,
                    callers: secrets.keys == nil && tokens == nil ? .anyone : .keys,
                    client: client
                )
                return told + extra(streams, relay) + [routes]
            }
        )
        // Trapped before the URL is out: whoever has seen it may send a signal.
        let reloads = Reloading.isOfUse(options, environment, configuration)
        let signals = TrappedSignals.begin([SIGTERM, SIGINT] + (reloads ? [SIGHUP] : []))
        do {
            let manager = ServiceManager(environment: environment)
            let serving = Serving(service: service, manager: manager) { [invitation, logger] address in
                if let port = address.port { ownPort.set(port) }
                let clearText = service.clearTextAddress
                return Self.announce(configuration, address, clearText: clearText, keeping, invitation, logger)
            }
            let reloading = Reloading(
                options: options,
                environment: environment,
                service: service,
                tokens: tokens,
                hooks: hooks,
                traces: traces,
                sessions: sessions,
                written: inputs.written,
                running: configuration,
                logger: logger
            )
            let reloads = Reloads(since: inputs.watchedContents) { [files = inputs.watchedFiles] in
                await FileContents.onItsOwnThread(files)
            } reload: {
                await reloading.reload($0)
            }
            try await serve(serving, signals, reloads, every: configuration.reloadInterval, logger)
        } catch {
            await traces?.end()
            await keeping.close()
            Self.tell(error, configuration)
            throw ExitCode(1)
        }
        await traces?.end()
        keeping.tellLoss(logger)
        await keeping.close()
    }

    /// What a server does with its process, before anything of it is used.
    private func prepareProcess(_ configuration: inout ServerConfiguration, _ logger: Logger) {
        Allocator.giveMemoryBack()
        OpenFiles.raiseLimit()
        if let warning = configuration.fitRelay(openFiles: OpenFiles.limit) { logger.warning("\(warning)") }
        if !GlobalExecutor.moveToEventLoops() {
            logger.warning("Tasks run on Dispatch's pool, which ends the process where it is out of file descriptors.")
        }
    }

    private func addOwnUpstreams(to configuration: inout ServerConfiguration) throws {
        let known = Set(configuration.upstreams.map(\.name))
        configuration.upstreams += ownUpstreams.filter { !known.contains($0.name) }
        // The pages of the demonstration ask nobody who they are.
        if isDemonstration, !configuration.isLoopback, ownUpstreams.contains(where: \.spendsOwnKey) {
            throw ValidationError("A demonstration spends a key of its own on loopback only.")
        }
    }

    /// A demonstration keeps streams in memory, unless another place is named.
    private func place(_ configuration: ServerConfiguration) -> StoreSetting {
        let usual = configuration.keptIn
        let isUnnamed = usual == .directory && configuration.data == ServerSettings.all.data.defaultValue
        return isDemonstration && isUnnamed ? .memory : usual
    }

    /// Those of a file, or of where the streams are kept; with streams that end with the process, so do sessions.
    private func sessionSecrets(
        _ secrets: ServerInputs.Secrets,
        _ keeping: Keeping,
        hasTokens: Bool
    ) async throws -> SessionSecrets {
        if let set = secrets.sessions { return set }
        guard secrets.keys != nil || hasTokens else { return .ofThisProcess }
        do {
            return try await keeping.sessionSecrets()
        } catch {
            await keeping.close()
            Terminal.note(PrintableText.escaped("\(error)"))
            throw ExitCode(1)
        }
    }

    private static func tell(_ error: any Error, _ configuration: ServerConfiguration) {
        if let trouble = error as? AccessLogTrouble { return Terminal.note("\(trouble)") }
        let failure = error as? ListenFailure
        let place = "\(failure?.host ?? configuration.host):\(failure?.port ?? configuration.port)"
        let reason = failure?.reason ?? error
        if let reason = reason as? TooFewOpenFiles { return Terminal.note("cannot listen on \(place): \(reason).") }
        let flags = failure?.isSecond == true ? "--clear-text-port" : "--host or --port"
        Terminal.note(
            "cannot listen on \(place): \(TransportTrouble.describe(reason)). Choose another address with \(flags)."
        )
    }

    /// Prints where it listens, and returns that.
    private static func announce(
        _ configuration: ServerConfiguration,
        _ address: SocketAddress,
        clearText: SocketAddress?,
        _ keeping: Keeping,
        _ invitation: String?,
        _ logger: Logger
    ) -> String {
        let host = configuration.host.contains(":") ? "[\(configuration.host)]" : configuration.host
        let scheme = configuration.tlsCertificate == nil ? "http" : "https"
        let url = "\(scheme)://\(host):\(address.port ?? configuration.port)"
        var lines = ["Freshet listens on \(url)"]
        if let port = clearText?.port { lines.append("In clear text, for this machine only: http://127.0.0.1:\(port)") }
        if let invitation { lines.append(invitation) }
        if configuration.accessLog == AccessLogFile.standardOutput {
            for line in lines { note(line, configuration, logger) }
        } else {
            // Nobody reads it: the server goes on without.
            try? Terminal.write(Array((lines.joined(separator: "\n") + "\n").utf8))
        }
        note(keeping.description, configuration, logger)
        return url
    }

    private static func note(_ line: String, _ configuration: ServerConfiguration, _ logger: Logger) {
        // A line that is no JSON would be none of that log.
        if configuration.logFormat == .json { logger.info("\(line)") } else { Terminal.note(line) }
    }
}
