public import Freshet
import FreshetServer
import HTTPTypes
public import Hummingbird
import Locks
public import Logging
public import NIOCore
public import NIOPosix
import PrintableText
public import ServiceLifecycle
import StreamCore
import StreamHTTP

/// Streams inside a Hummingbird application: its router, its middleware, its connections.
///
/// ```swift
/// let streams = try EventStreams(storage: .directory("streams"))
/// let freshet = try HummingbirdStreams(streams)
/// freshet.addRoutes(to: router) { request, context in .everybody }
/// let app = Application(router: router, services: [freshet])
/// ```
///
/// What is answered below `/v1` is what Freshet's own server answers, from the same code: resume, gaps, heartbeats,
/// streaming producers, long-polls, ends. A reader that leaves is noticed at once, without a write.
///
/// As a service it does what becomes due (leases, times to live) and takes part in the graceful shutdown: when the
/// application is told to stop, readers of streams that nobody writes are asked to come back, and streams with a
/// producer at work go on to their end, at most for `drainDeadline`. Without it an open stream would
/// hold the application's shutdown for ever.
///
/// While it runs it tells its figures to the `MetricsSystem` of swift-metrics that the program has bootstrapped. Spans of
/// requests are the application's: add Hummingbird's `TracingMiddleware`.
///
/// Where it differs from Freshet's own server: a reader costs a few tasks, and a delivery 3 to 10 times the work
/// (`performance.md`); an application that stops accepts no new connections, so that readers of a stream that is being
/// written come back only to another node; `Expect: 100-continue` is answered as the application does; `HEAD` says
/// `Content-Length: 0`.
@available(freshet 0.1, *)
public final class HummingbirdStreams: Service {
    /// The streams that are served.
    public let streams: EventStreams
    let responder: FreshetResponder
    /// Whether every request comes over HTTP/2.
    let isPlaintextHTTP2: Bool
    private let making: Task<HTTPLoops, Never>
    private let tokens: (any ServedTokens)?
    private let drainDeadline: Duration
    private let logger: Logger
    private let plane: StreamPlane
    private let quotas: QuotaTable
    private let keeper = Mutex<Task<Void, Never>?>(nil)
    private let draining = Mutex<Task<Void, Never>?>(nil)

    /// - Parameters:
    ///   - streams: what is served. They belong to the program, and are left open when the application has stopped.
    ///   - configuration: how they are served.
    ///   - tokens: the signed tokens that are taken where the closure of ``addRoutes(to:authorise:)`` says `undecided`; nil
    ///     for none. Pages exchange one for a cookie at `/v1/session`.
    ///   - eventLoopGroup: the loops that make what is sent: the application's, which are these unless it was given
    ///     others.
    ///   - logger: told of requests that fail, of readers that are disconnected for accepting no data, and of the drain.
    /// - Throws: `SetupError` with everything that is wrong with the settings, or which keys of `tokens` cannot be used.
    public init(
        _ streams: EventStreams,
        configuration: Configuration = Configuration(),
        tokens: SignedTokens? = nil,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        logger: Logger = Logger(label: "freshet")
    ) throws(SetupError) {
        let settings = try configuration.settings(streams.configuration, hasTokens: tokens != nil)
        let tokens = try tokens?.authenticator(logger)
        let sessions = try tokens == nil ? .ofThisProcess : streams.sessionSecrets(settings)
        let dataPlane = DataPlaneConfiguration(settings)
        let plane = StreamPlane(streams: streams.streams, configuration: dataPlane)
        let routes = StreamRoutes(
            plane: plane,
            configuration: StreamRoutesConfiguration(
                bodyBytes: settings.bodyBytes,
                pieces: dataPlane.pieces,
                createOnPost: StreamPrefix.all(settings.createOnPost),
                publicCache: StreamPrefix.all(settings.publicCache)
            )
        )
        let quotas = QuotaTable(QuotaLimits(settings), time: SystemTime())
        self.plane = plane
        self.quotas = quotas
        self.streams = streams
        self.isPlaintextHTTP2 = configuration.isPlaintextHTTP2
        self.drainDeadline = settings.drainDeadline
        self.logger = logger
        let responder = FreshetResponder(
            // Which hosts the application answers to is its own affair.
            access: CurrentAccess(
                AccessPolicy(
                    boundToLoopback: false,
                    hosts: [],
                    allowedOrigins: settings.allowedOrigins
                        + (settings.publicAddress.map { [$0.origin.description] } ?? []),
                    keys: nil,
                    tokens: tokens,
                    sessions: sessions,
                    open: false
                )
            ),
            streamRoutes: routes,
            listing: ListingRoutes(streams: streams.streams),
            session: tokens == nil
                ? nil
                : SessionRoute(
                    lifetimeSeconds: settings.sessionLifetime.components.seconds,
                    isAlwaysSecure: settings.secureCookie || settings.publicAddress?.isSecure == true
                ),
            publicURL: settings.publicAddress,
            quotas: quotas
        )
        self.tokens = tokens
        self.responder = responder
        making = Task {
            await HTTPLoops(
                eventLoopGroup,
                responder: responder,
                configuration: dataPlane,
                time: SystemTime(),
                log: ServerLog(logger)
            )
        }
    }

    var loops: HTTPLoops { get async { await making.value } }

    /// Adds the routes of streams, `/v1/stream/{name}`, `/v1/streams` and `/v1/readers`, and with tokens `/v1/session`, behind
    /// the middleware that the router has by now.
    ///
    /// A reader that leaves is seen through the body of its request, which Hummingbird watches for that. A middleware
    /// that changes a body assigns `request.body`, which keeps the connection known. To a read that follows or a
    /// long-poll it must not pass a `Request` that it made itself with a body of its own, nor assign a body after an
    /// asynchronous sequence was assigned, nor must a test: Hummingbird cannot watch those, and stops the program.
    ///
    /// - Parameters:
    ///   - router: the application's router, or a group of it without a path.
    ///   - authorise: who may. It is asked once for each request, before anything of the body is read, and again for those
    ///     that are open by ``authoriseAgain()``, with the same request and context: it must not read the body. An error
    ///     that it throws is answered as the application answers errors. `undecided` leaves it to the tokens; without
    ///     them it is refused.
    public func addRoutes<Context: RequestContext>(
        to router: some RouterMethods<Context>,
        authorise: @escaping @Sendable (Request, Context) async throws -> AccessDecision
    ) {
        let handler: @Sendable (Request, Context) async throws -> Response = { [self] request, context in
            keep()
            let round = responder.rounds.current
            let decision = try await authorise(request, context)
            let address = (context as? any RemoteAddressRequestContext)?.remoteAddress?.ipAddress ?? "unknown"
            return try await HummingbirdExchange(host: self, request: request, address: address)
                .response(decision, since: round) { try await authorise(request, context) }
        }
        for method in [HTTPRequest.Method.get, .head, .put, .post, .delete, .options] {
            router.on("/v1/stream/**", method: method, use: handler)
        }
        for method in [HTTPRequest.Method.get, .head, .options] {
            router.on("/v1/streams", method: method, use: handler)
            router.on("/v1/streams/**", method: method, use: handler)
            router.on("/v1/readers", method: method, use: handler)
        }
        guard tokens != nil else { return }
        for method in [HTTPRequest.Method.post, .options] { router.on("/v1/session", method: method, use: handler) }
    }

    /// Does what becomes due until the application stops, and returns when what was open has ended or the deadline has
    /// come.
    public func run() async throws {
        try await streams.streams.resume()
        await tokens?.start()
        let sweeping = Task { [streams, logger] in await streams.streams.sweepForEver(logger) }
        defer { sweeping.cancel() }
        let own = ServerMetrics(plane: plane, loops: await loops, quotas: quotas)
        let others: [any MetricsSource] = [StoreMetrics(streams.streams.store)].compactMap(\.self)
        let report = MetricsReport(of: [own] + others)
        await report?.begin()
        await untilShutdown { await drain() }
        await report?.end()
        keeper.withLock(\.self)?.cancel()
        await loops.stop()
        await tokens?.stop()
    }

    /// Reads the files of the issuers' keys again: call it when a key was added or taken away. Tokens of a key that is gone
    /// are refused from then on, and what is open by them ends. The keys behind a URL are fetched by themselves.
    ///
    /// Without tokens it does nothing.
    ///
    /// - Throws: `SetupError` when a file holds nothing that can be used. It then goes on with what it had.
    public func reloadTokenKeys() async throws(SetupError) {
        guard let tokens else { return }
        try tokens.readKeysAgain(logger)
        await loops.reviewRights()
    }

    /// Asks the closure of ``addRoutes(to:authorise:)`` about each request that is open once more: call it when somebody has
    /// lost a right, such as by a logout. A request that it refuses now, or that lacks its right by what it returns, is
    /// ended: readers are told `reconnect` with `revoked`, a streaming append is 401 with what is stored of it. Everything
    /// else goes on, until the end that the decision has now.
    ///
    /// The closure is called for up to 200 requests at once on each event loop; the next ones wait for all of its answers.
    /// A request for which it throws keeps what it has, and the log says so. One that comes meanwhile, and for which it
    /// was called before, is asked about too. Returns when all have been asked about.
    public func authoriseAgain() async {
        responder.rounds.begin()
        await loops.askAgain()
    }

    func askingFailed(_ error: any Error) {
        logger.error(
            "The authorise closure failed; the open request keeps what it has.",
            metadata: ["error": "\(PrintableText.escaped("\(error)"))"]
        )
    }

    /// Watches for the graceful shutdown of the application's server.
    ///
    /// A service group stops its services one after another, the last one first, and Hummingbird's server is the last:
    /// it waits for its open responses before any other service is told. The first request that comes is within that
    /// server and hears of it in time. One task for all: a handler for each request would make leaving cost as much as
    /// there are readers.
    private func keep() {
        keeper.withLock { keeper in
            guard keeper == nil else { return }
            keeper = Task { [weak self] in
                guard (try? await gracefulShutdown()) != nil else { return }
                await self?.drain()
            }
        }
    }

    /// Goes away in good order, once.
    private func drain() async {
        let task = draining.withLock { draining in
            let task = draining ?? Task { await self.drainNow() }
            draining = task
            return task
        }
        await withTaskCancellationHandler {
            await task.value
        } onCancel: {
            task.cancel()
        }
    }

    private func drainNow() async {
        await logger.drain { await loops.drain(for: drainDeadline) }
    }
}
