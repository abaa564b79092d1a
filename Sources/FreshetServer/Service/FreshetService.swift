import Locks
package import Logging
package import NIOCore
import PrintableText
package import StreamCore
import StreamHTTP

/// A whole server in one object: the streams, the routes, the sockets, and what has to happen as time passes.
package final class FreshetService: Sendable {
    package let streams: Streams
    private let configuration: ServerConfiguration
    let server: HTTPServer
    private let logger: Logger
    private let metrics: MetricsRoute
    private let listening = Mutex<(any Channel)?>(nil)
    private let sweeping = Mutex<Task<Void, Never>?>(nil)
    private let extra: [any RouteGroup]

    /// - Parameters:
    ///   - store: where the streams are kept.
    ///   - keys: who may, from the keys file; nil where everybody may.
    ///   - time: the clocks that leases, lifetimes and dates are read from.
    ///   - extra: makes routes beside Freshet's own, such as the pages of the demonstration.
    package convenience init(
        configuration: ServerConfiguration,
        store: any StreamStore,
        keys: KeyRing?,
        logger: Logger,
        time: any TimeSource = SystemTime(),
        extra: @Sendable (Streams) -> [any RouteGroup] = { _ in [] }
    ) async {
        let streams = Streams(store: store, configuration: StreamsConfiguration(configuration), time: time)
        await self.init(
            configuration: configuration,
            streams: streams,
            keys: keys,
            logger: logger,
            time: time,
            extra: extra(streams)
        )
    }

    /// A server over streams that something else holds too.
    package init(
        configuration: ServerConfiguration,
        streams: Streams,
        keys: KeyRing?,
        logger: Logger,
        time: any TimeSource = SystemTime(),
        gate: (any Authenticator)? = nil,
        extra: [any RouteGroup] = []
    ) async {
        self.configuration = configuration
        self.logger = logger
        self.streams = streams
        metrics = MetricsRoute(started: time.wallMilliseconds())
        self.extra = extra
        let dataPlane = DataPlaneConfiguration(configuration)
        let plane = StreamPlane(streams: streams, configuration: dataPlane)
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
        let session = keys.map { keys in
            SessionRoute(
                keys: keys,
                lifetimeSeconds: configuration.sessionLifetime.components.seconds,
                isAlwaysSecure: configuration.secureCookie
            )
        }
        let responder = FreshetResponder(
            access: configuration.accessPolicy(keys: keys),
            streamRoutes: routes,
            listing: ListingRoutes(streams: streams, figures: figures),
            session: session,
            metrics: metrics,
            gate: gate,
            probe: ProbeRoutes(
                access: ProbeAccess(configuration, keys: keys, hasGate: gate != nil),
                origin: ProbeOrigin(time: time)
            ),
            extra: extra,
            time: time
        )
        self.server = await HTTPServer(
            responder: responder,
            configuration: dataPlane,
            eventLoops: configuration.eventLoops ?? 0,
            time: time,
            logger: logger
        )
        metrics.begin([ServerMetrics(plane: plane, server: server)] + extra.compactMap { $0 as? any MetricsSource })
    }

    /// Takes up what the store holds, begins to listen, and returns the address. Port 0 becomes a real one.
    package func start() async throws -> SocketAddress {
        if let keys = configuration.keys, let warning = SecretFile.warning(keys, what: "The keys file") {
            logger.warning("\(PrintableText.escaped(warning))")
        }
        try await streams.resume()
        for routes in extra { try await routes.prepare() }
        let (channel, address) = try await server.listen(host: configuration.host, port: configuration.port)
        listening.withLock { $0 = channel }
        sweeping.withLock { $0 = Task { [streams, logger] in await streams.sweepForEver(logger) } }
        return address
    }

    /// Goes away in good order: returns when nobody is left that had to be waited for, or at the deadline.
    ///
    /// New native reads are asked to come back, streams with a producer at work go on with their readers, and all
    /// others are asked to come back at once. New connections are still accepted.
    package func drain() async {
        logger.info("Going away: streams that are being written may be read to their end.")
        await server.loops.drain(for: configuration.drainDeadline) { [extra] in
            extra.contains(where: \.isBusy)
        } conclude: { [extra] in
            for routes in extra { await routes.conclude() }
        }
    }

    /// Closes everything now.
    package func stop() async {
        sweeping.withLock(\.self)?.cancel()
        for routes in extra { await routes.conclude() }
        try? await listening.withLock(\.self)?.close()
        await server.stop()
        for routes in extra { await routes.stop() }
        // They hold the server, which holds the routes that hold them.
        metrics.begin([])
    }
}
