import FreshetServer
import Locks
public import Logging
import NIOCore
public import ServiceLifecycle
import StreamHTTP
import Tracing
public import UnixSignals

/// Freshet's server inside a program: streams over HTTP, and beside them whatever routes the program has.
///
/// ```swift
/// let server = try EmbeddedServer(configuration: .init(port: 8080))
/// try await server.streams.create("news").append("Hello")
/// try await server.runService()
/// ```
///
/// It is a `Service` of swift-service-lifecycle, whose graceful shutdown is the drain: readers of streams that nobody
/// writes are asked to come back, streams with a producer at work go on to their end with their readers, at most for
/// ``RequestSettings/drainDeadline``. Being cancelled closes everything at once; readers resume by their last id.
///
/// It reports to what the program has bootstrapped before it runs: the figures of `/metrics` to the `MetricsSystem` of
/// swift-metrics, every ten seconds, and a span for each request, and for each call of the relay, to the
/// `InstrumentationSystem` of swift-distributed-tracing. The page `tracing.md` tells what is in them. Inside the handler of
/// a ``Route`` the request's span is the current one.
@available(freshet 0.1, *)
public final class EmbeddedServer: Service {
    /// The streams it serves.
    public let streams: EventStreams
    private let configuration: ServerConfiguration
    private let ownsStreams: Bool
    private let keys: KeyRing?
    private let tokens: (any ServedTokens)?
    private let sessions: SessionSecrets
    private let certificate: CertificatePair?
    private let routes: ProgramRoutes
    private let mounts: [Mount]
    private let authorise: (@Sendable (RequestHead) async throws -> AccessDecision)?
    private let logger: Logger
    private let hasRun = Mutex(false)
    private let bound = Announcement<Address>()
    private let service = Mutex<FreshetService?>(nil)

    /// Where a server listens.
    public struct Address: Sendable, Hashable, CustomStringConvertible {
        /// The address, without brackets for IPv6.
        public let host: String
        /// The real port, also where 0 was asked for.
        public let port: Int
        /// Whether the port speaks TLS.
        public let isSecure: Bool
        /// The real port that speaks clear text on 127.0.0.1, where there is one beside a port that speaks TLS.
        public let clearTextPort: Int?

        /// The URL of the server's root, without a slash at its end.
        public var description: String {
            "\(isSecure ? "https" : "http")://\(host.contains(":") ? "[\(host)]" : host):\(port)"
        }
    }

    /// A server with streams of its own, which are closed when it has stopped.
    ///
    /// - Parameters:
    ///   - configuration: how it listens, and what it serves.
    ///   - storage: where streams are kept.
    ///   - limits: the limits on streams.
    ///   - routes: routes of your own, beside the streams. The first that matches a request answers it.
    ///   - mounts: routes of libraries, such as the relay of `FreshetRelay`.
    ///   - tokens: the signed tokens that it takes, in addition to the keys file or instead of it; nil for none. With them
    ///     nobody is let in without a token or a key, not even on loopback.
    ///   - authorise: access control by your program, in addition to tokens and the keys file or instead of them. It is
    ///     called once for each request for streams, before the body is read, and again for those that are open by
    ///     ``authoriseAgain()``. If it throws, the response is 500.
    ///   - logger: gets a line for each request that fails, each reader that is disconnected for accepting no data, each
    ///     relayed answer, and the drain.
    /// - Throws: ``SetupError`` with everything that is wrong with the settings, or why the storage cannot be opened, or
    ///   which keys of `tokens` cannot be used.
    public convenience init(
        configuration: Configuration = Configuration(),
        storage: StreamStorage = .memory,
        limits: EventStreams.Configuration = EventStreams.Configuration(),
        routes: [Route] = [],
        mounts: [Mount] = [],
        tokens: SignedTokens? = nil,
        authorise: (@Sendable (RequestHead) async throws -> AccessDecision)? = nil,
        logger: Logger = Logger(label: "freshet")
    ) throws(SetupError) {
        // What is wrong with the settings is said before a directory is opened, or made.
        _ = try ServerConfiguration(
            configuration,
            limits,
            mounts: mounts,
            hasTokens: tokens != nil,
            authorises: authorise != nil
        )
        let served = try tokens?.authenticator(logger)
        let streams = try EventStreams(storage: storage, configuration: limits)
        try self.init(streams, configuration, ownsStreams: true, routes, mounts, served, authorise, logger)
    }

    /// A server over streams that belong to the program and are left open when it has stopped.
    public convenience init(
        streams: EventStreams,
        configuration: Configuration = Configuration(),
        routes: [Route] = [],
        mounts: [Mount] = [],
        tokens: SignedTokens? = nil,
        authorise: (@Sendable (RequestHead) async throws -> AccessDecision)? = nil,
        logger: Logger = Logger(label: "freshet")
    ) throws(SetupError) {
        let served = try tokens?.authenticator(logger)
        try self.init(streams, configuration, ownsStreams: false, routes, mounts, served, authorise, logger)
    }

    private init(
        _ streams: EventStreams,
        _ configuration: Configuration,
        ownsStreams: Bool,
        _ routes: [Route],
        _ mounts: [Mount],
        _ tokens: (any ServedTokens)?,
        _ authorise: (@Sendable (RequestHead) async throws -> AccessDecision)?,
        _ logger: Logger
    ) throws(SetupError) {
        let settings = try ServerConfiguration(
            configuration,
            streams.configuration,
            mounts: mounts,
            hasTokens: tokens != nil,
            authorises: authorise != nil
        )
        self.routes = try ProgramRoutes(routes, logger)
        do throws(KeyFileError) {
            self.keys = try settings.readKeys()
        } catch {
            throw SetupError(["\(error)"])
        }
        do throws(CertificateFiles.Trouble) {
            self.certificate = try settings.certificateFiles?.read()
        } catch {
            throw SetupError(["\(error)"])
        }
        self.tokens = tokens
        self.sessions = try keys == nil && tokens == nil ? .ofThisProcess : streams.sessionSecrets(settings)
        self.streams = streams
        self.configuration = settings
        self.ownsStreams = ownsStreams
        self.mounts = mounts
        self.authorise = authorise
        self.logger = logger
    }

    /// Serves until it is told to stop, and returns when it has.
    ///
    /// - Throws: ``SetupError`` when it cannot listen, or has run before. A graceful shutdown and a cancellation both
    ///   return.
    public func run() async throws {
        let isFirst = hasRun.withLock { hasRun in
            defer { hasRun = true }
            return !hasRun
        }
        guard isFirst else { throw SetupError(["An EmbeddedServer runs once. Make another."]) }
        await tokens?.start()
        do {
            try await serve()
        } catch {
            await tokens?.stop()
            throw error
        }
        await tokens?.stop()
    }

    private func serve() async throws {
        var configuration = configuration
        if let warning = configuration.fitRelay(openFiles: OpenFiles.limit) { logger.warning("\(warning)") }
        let access = CurrentAccess(configuration.accessPolicy(keys: keys, tokens: tokens, sessions: sessions))
        let tracer = InstrumentationSystem.chosenTracer
        let place = Mount.Server(
            streams: streams.streams,
            configuration: configuration,
            access: access,
            hasKeys: keys != nil || tokens != nil,
            authorises: authorise != nil,
            logger: logger,
            tracer: tracer
        )
        let service = await FreshetService(
            configuration: configuration,
            streams: streams.streams,
            keys: keys,
            tokens: tokens,
            access: access,
            certificate: certificate,
            logger: logger,
            tracer: tracer,
            gate: authorise.map { ProgramGate(authorise: $0, logger: logger) },
            extra: [routes] + mounts.map { $0.routes(place) }
        )
        self.service.withLock { $0 = service }
        // It holds everything that the server has open.
        defer { self.service.withLock { $0 = nil } }
        do {
            try await service.serve { address in
                let address = Address(
                    host: address.ipAddress ?? configuration.host,
                    port: address.port ?? 0,
                    isSecure: certificate != nil,
                    clearTextPort: service.clearTextAddress?.port
                )
                bound.tell(.success(address))
            }
        } catch {
            if let trouble = error as? AccessLogTrouble {
                let failure = SetupError(["\(trouble)"])
                bound.tell(.failure(failure))
                if ownsStreams { await streams.close() }
                throw failure
            }
            let listening = error as? ListenFailure
            let place = "\(listening?.host ?? configuration.host):\(listening?.port ?? configuration.port)"
            let failure = SetupError([
                "It cannot listen on \(place): \(ListenTrouble.describe(listening?.reason ?? error))"
            ])
            bound.tell(.failure(failure))
            if ownsStreams { await streams.close() }
            throw failure
        }
        guard ownsStreams else { return }
        if streams.unkept > 0 {
            logger.warning("The streams were kept in memory and are lost.", metadata: ["streams": "\(streams.unkept)"])
        }
        await streams.close()
    }

    /// Runs the server, and other services with it, until a signal tells it to stop.
    ///
    /// The first signal is a graceful shutdown of all of them, the server last, so that what they write until then is
    /// still read.
    ///
    /// - Parameters:
    ///   - services: what else runs, such as producers.
    ///   - signals: SIGTERM and SIGINT unless something else is said.
    public func runService(
        with services: [any Service] = [],
        gracefulShutdownSignals signals: [UnixSignal] = [.sigterm, .sigint]
    ) async throws {
        let group = ServiceGroup(
            configuration: .init(services: [self] + services, gracefulShutdownSignals: signals, logger: logger)
        )
        try await group.run()
    }

    /// The address, as soon as it listens. Waits until then.
    ///
    /// - Throws: what `run()` throws when it cannot listen.
    public func listening() async throws -> Address { try await bound.value() }

    /// Opens the file of the access log again: call it when that was moved away, for instance on SIGHUP. Returns at once;
    /// where the file cannot be opened the log says so, and lines go where they went.
    ///
    /// Without an access log, and while the server does not run, it does nothing.
    public func reopenAccessLog() { service.withLock(\.self)?.reopenAccessLog() }

    /// Reads certificate and key again, for connections that come from now on: call it when they were renewed, for
    /// instance on SIGHUP. Connections that are open keep the certificate they began with.
    ///
    /// Without TLS, and while the server does not run, it does nothing.
    ///
    /// - Throws: ``SetupError`` when the files hold nothing that can be used. The server then goes on with what it had.
    public func reloadCertificate() throws(SetupError) {
        do throws(CertificateFiles.Trouble) {
            try service.withLock(\.self)?.reloadCertificate()
        } catch {
            throw SetupError(["\(error)"])
        }
    }

    /// Asks `authorise` about each request that is open once more: call it when somebody has lost a right, such as by a
    /// logout. A request that it refuses now, or that lacks its right by what it returns, is ended: readers are told
    /// `reconnect` with `revoked`, a streaming append is 401 with what is stored of it. Everything else goes on, until the
    /// end that the decision has now.
    ///
    /// The closure gets each request as it got it at first, and is called for up to 200 of them at once on each event loop;
    /// the next ones wait for all of its answers. A request for which it throws keeps what it has, and the log says so.
    /// One that comes meanwhile, and for which it was called before, is asked about too.
    ///
    /// Returns when all have been asked about. Without `authorise`, and while the server does not run, it does nothing.
    public func authoriseAgain() async {
        guard authorise != nil else { return }
        await service.withLock(\.self)?.askAgain()
    }

    /// Reads the files of the issuers' keys again: call it when a key was added or taken away, for instance on SIGHUP.
    /// Tokens of a key that is gone are refused from then on, and what is open by them ends, which native readers are told
    /// as `reconnect` with `revoked`. Everything else goes on. The keys behind a URL are fetched by themselves.
    ///
    /// Without ``SignedTokens`` it does nothing.
    ///
    /// - Throws: ``SetupError`` when a file holds nothing that can be used. The server then goes on with what it had.
    public func reloadTokenKeys() async throws(SetupError) {
        guard let tokens else { return }
        try tokens.readKeysAgain(logger)
        await service.withLock(\.self)?.reviewRights()
    }
}
