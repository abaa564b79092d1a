import Locks
package import Logging
package import NIOCore
import PrintableText
package import StreamCore
package import StreamHTTP
package import Tracing

/// A whole server in one object: the streams, the routes, the sockets, and what has to happen as time passes.
@available(freshet 0.1, *)
package final class FreshetService: Sendable {
    package let streams: Streams
    private let configuration: ServerConfiguration
    let server: HTTPServer
    private let logger: Logger
    private let metrics: MetricsRoute
    /// What it counts, for the backend of the program; nil where that has none.
    private let report: MetricsReport?
    let node: NodeRoute
    let plane: StreamPlane
    private let access: CurrentAccess
    private let certificate: ServerCertificate?
    private let accessLog: AccessLog?
    private let listening = Mutex<[any Channel]>([])
    private let clearText = Mutex<SocketAddress?>(nil)
    private let sweeping = Mutex<Task<Void, Never>?>(nil)
    private let noting = Mutex<[Task<Void, Never>]>([])
    private let extra: [any RouteGroup]
    private let rounds: AskingRounds

    /// - Parameters:
    ///   - store: where the streams are kept.
    ///   - keys: who may, from the keys file; nil where everybody may.
    ///   - tokens: who else may, by tokens of issuers; nil where none is taken.
    ///   - access: the rules, where something else obeys them too; by the configuration and these keys.
    ///   - certificate: what the files of the certificate hold, where the configuration names them.
    ///   - time: the clocks that leases, lifetimes and dates are read from.
    ///   - tracer: makes a span of each request: the one that the program has bootstrapped, unless it is given.
    ///   - sources: what else has numbers to tell.
    ///   - extra: makes routes beside Freshet's own and the live page, such as the pages of the demonstration.
    package convenience init(
        configuration: ServerConfiguration,
        store: any StreamStore,
        keys: KeyRing?,
        tokens: (any TokenAuthenticator)? = nil,
        access: CurrentAccess? = nil,
        certificate: CertificatePair? = nil,
        logger: Logger,
        time: any TimeSource = SystemTime(),
        tracer: (any Tracer)? = InstrumentationSystem.chosenTracer,
        sources: [any MetricsSource] = [],
        extra: @Sendable (Streams) -> [any RouteGroup] = { _ in [] }
    ) async {
        let streams = Streams(store: store, configuration: StreamsConfiguration(configuration), time: time)
        let access = access ?? CurrentAccess(configuration.accessPolicy(keys: keys, tokens: tokens))
        await self.init(
            configuration: configuration,
            streams: streams,
            keys: keys,
            tokens: tokens,
            access: access,
            certificate: certificate,
            logger: logger,
            time: time,
            tracer: tracer,
            sources: sources,
            extra: extra(streams) + [LivePage(access: access)]
        )
    }

    /// A server over streams that something else holds too.
    package init(
        configuration: ServerConfiguration,
        streams: Streams,
        keys: KeyRing?,
        tokens: (any TokenAuthenticator)? = nil,
        access: CurrentAccess? = nil,
        certificate: CertificatePair? = nil,
        logger: Logger,
        time: any TimeSource = SystemTime(),
        tracer: (any Tracer)? = InstrumentationSystem.chosenTracer,
        sources: [any MetricsSource] = [],
        gate: (any Authenticator)? = nil,
        extra: [any RouteGroup] = []
    ) async {
        precondition(
            (certificate == nil) == (configuration.certificateFiles == nil),
            "a server with TLS is given what its files hold"
        )
        self.configuration = configuration
        let access = access ?? CurrentAccess(configuration.accessPolicy(keys: keys, tokens: tokens))
        self.access = access
        self.certificate = certificate.map { ServerCertificate($0) }
        self.logger = logger
        if let warning = certificate?.warning(now: Int64(time.wallMilliseconds() / 1000)) {
            logger.warning("\(warning)")
        }
        let accessLog = configuration.accessLog.map { path in
            AccessLog(
                to: AccessLogFile(path),
                proxies: TrustedProxies(configuration.trustedProxies),
                logger: logger
            )
        }
        self.accessLog = accessLog
        self.streams = streams
        metrics = MetricsRoute(started: time.wallMilliseconds())
        node = NodeRoute(time: time)
        self.extra = extra
        let dataPlane = DataPlaneConfiguration(configuration)
        let plane = StreamPlane(streams: streams, configuration: dataPlane)
        self.plane = plane
        let figures: @Sendable (StreamName) async -> [StreamFigures] = { name in
            var figures: [StreamFigures] = []
            for routes in extra { if let found = await routes.figures(of: name) { figures.append(found) } }
            return figures
        }
        let routes = StreamRoutes(
            plane: plane,
            configuration: StreamRoutesConfiguration(
                bodyBytes: configuration.bodyBytes,
                pieces: dataPlane.pieces,
                createOnPost: StreamPrefix.all(configuration.createOnPost),
                publicCache: StreamPrefix.all(configuration.publicCache),
                identityEncoding: configuration.identityEncoding
            ),
            figures: figures,
            isOurs: { name in extra.contains { $0.writes(name) } }
        )
        let session =
            keys == nil && tokens == nil
            ? nil
            : SessionRoute(
                lifetimeSeconds: configuration.sessionLifetime.components.seconds,
                isAlwaysSecure: configuration.secureCookie || configuration.publicAddress?.isSecure == true
            )
        let quotas = QuotaTable(QuotaLimits(configuration), time: time)
        let responder = FreshetResponder(
            access: access,
            streamRoutes: routes,
            listing: ListingRoutes(streams: streams, figures: figures),
            session: session,
            metrics: metrics,
            node: node,
            gate: gate,
            probe: ProbeRoutes(
                access: ProbeAccess(configuration, access: access, hasGate: gate != nil || tokens != nil),
                origin: ProbeOrigin(time: time)
            ),
            extra: extra,
            publicURL: configuration.publicAddress,
            quotas: quotas,
            namesCallers: accessLog != nil,
            time: time
        )
        self.rounds = responder.rounds
        self.server = await HTTPServer(
            responder: responder,
            configuration: dataPlane,
            eventLoops: configuration.eventLoops ?? 0,
            time: time,
            logger: logger,
            accessLog: accessLog,
            tracer: tracer
        )
        let own = ServerMetrics(
            plane: plane,
            loops: server.loops,
            connections: { [server] in server.connections },
            certificate: self.certificate,
            accessLog: accessLog,
            quotas: quotas
        )
        let others: [any MetricsSource] =
            [StoreMetrics(streams.store)].compactMap(\.self) + extra.compactMap { $0 as? any MetricsSource }
            + [tokens as? any MetricsSource].compactMap(\.self)
        metrics.begin([own] + others + sources)
        report = MetricsReport(of: [own] + others + sources)
        node.begin(own)
    }

    /// Takes up what the store holds, begins to listen, and returns the address. Port 0 becomes a real one.
    package func start() async throws -> SocketAddress {
        for warning in configuration.secretFileWarnings { logger.warning("\(PrintableText.escaped(warning))") }
        try accessLog?.open()
        try await streams.resume()
        for routes in extra { try await routes.prepare() }
        // First, so that all is there when the address is told.
        if let port = configuration.clearTextPort {
            let kind = PortKind(isForThisMachine: true, takesHTTP2Preface: configuration.http2ClearText)
            let own = try await listen(Self.thisMachine, port, kind)
            clearText.withLock { $0 = own }
        }
        let kind = PortKind(certificate: certificate, takesHTTP2Preface: configuration.http2ClearText)
        let address = try await listen(configuration.host, configuration.port, kind)
        sweeping.withLock { $0 = Task { [streams, logger] in await streams.sweepForEver(logger) } }
        if let port = address.port { node.listens(on: port) }
        noting.withLock { tasks in
            tasks = [Task { [node] in await node.noteForEver() }, Task { [node] in await node.reportForEver() }]
        }
        await report?.begin()
        return address
    }

    private static let thisMachine = "127.0.0.1"

    private func listen(_ host: String, _ port: Int, _ kind: PortKind) async throws -> SocketAddress {
        do {
            let (channel, address) = try await server.listen(host: host, port: port, kind)
            listening.withLock { $0.append(channel) }
            return address
        } catch {
            throw ListenFailure(host: host, port: port, reason: error, isSecond: kind.isForThisMachine)
        }
    }

    /// The address of the second port, which speaks clear text; nil where there is none, or not yet.
    package var clearTextAddress: SocketAddress? { clearText.withLock(\.self) }

    /// Reads certificate and key again, for connections that come from now on. What cannot be used changes nothing.
    package func reloadCertificate() throws(CertificateFiles.Trouble) {
        guard let certificate, let files = configuration.certificateFiles else { return }
        let pair: CertificatePair
        do throws(CertificateFiles.Trouble) {
            pair = try files.read()
        } catch {
            let reason = PrintableText.escaped("\(error)")
            logger.error("The certificate stays as it was: \(reason)")
            throw error
        }
        take(pair, for: certificate)
    }

    /// Replaces the rules about who may, for every request that comes from now on, and the certificate, for every
    /// connection. What is open and has lost its right by the new rules is ended, a few hundred requests at a time;
    /// everything else goes on.
    ///
    /// - Parameter pair: what its files hold now; nil for a server without TLS.
    package func reload(_ policy: AccessPolicy, _ pair: CertificatePair?) async {
        access.replace(with: policy)
        if let pair, let certificate { take(pair, for: certificate) }
        await reviewRights()
    }

    /// Ends what is open and has lost its right, a few hundred requests at a time; everything else goes on.
    package func reviewRights() async { await server.loops.reviewRights() }

    /// Asks the gate about each open request once more, and ends those that it refuses now. Returns when it was asked about
    /// all of them.
    package func askAgain() async {
        rounds.begin()
        await server.loops.askAgain()
    }

    /// Opens the file of the access log again, which somebody has moved away. Returns at once.
    package func reopenAccessLog() { accessLog?.reopen() }

    private func take(_ pair: CertificatePair, for certificate: ServerCertificate) {
        certificate.replace(with: pair)
        logger.notice("New connections get the certificate that is valid until \(pair.expiry).")
        if let warning = pair.warning(now: Int64(SystemTime().wallMilliseconds() / 1000)) {
            logger.warning("\(warning)")
        }
    }

    /// Goes away in good order: returns when nobody is left that had to be waited for, or at the deadline.
    ///
    /// New native reads are asked to come back, streams with a producer at work go on with their readers, and all
    /// others are asked to come back at once. New connections are still accepted.
    package func drain() async {
        await node.drains()
        await logger.drain {
            await server.loops.drain(for: configuration.drainDeadline) { [extra] in
                extra.contains(where: \.isBusy)
            } conclude: { [extra] in
                for routes in extra { await routes.conclude() }
            }
        }
    }

    /// Returns when every event loop has run something that was asked of it now: a sign that the server does not hang.
    package func untilEveryLoopResponds() async { await server.loops.untilEachResponds() }

    /// Closes everything now.
    package func stop() async {
        sweeping.withLock(\.self)?.cancel()
        for task in noting.withLock(\.self) { task.cancel() }
        for routes in extra { await routes.conclude() }
        await report?.end()
        for channel in listening.withLock(\.self) { try? await channel.close() }
        await server.stop()
        await accessLog?.flush()
        for routes in extra { await routes.stop() }
        // They hold the server, which holds the routes that hold them.
        metrics.begin([])
        node.begin(nil)
        streams.report(nil)
    }
}
