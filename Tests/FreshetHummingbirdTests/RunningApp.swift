import Freshet
import FreshetHummingbird
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import StreamCore

/// A Hummingbird application with streams, on a free port, while a test runs.
struct RunningApp: Sendable {
    let streams: EventStreams
    let freshet: HummingbirdStreams
    let port: Int
    private let isSecure: Bool
    private let group: ServiceGroup

    var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(port)" }

    /// - Parameters:
    ///   - server: what answers on the application's connections.
    ///   - isSecure: whether that has TLS.
    ///   - isPlaintextHTTP2: whether it speaks HTTP/2 alone, in clear text.
    @discardableResult
    static func with<Value: Sendable>(
        server: HTTPServerBuilder = .http1(),
        isSecure: Bool = false,
        isPlaintextHTTP2: Bool = false,
        heartbeat: Duration = .seconds(10),
        drainDeadline: Duration = .seconds(20),
        heldReaders: Int = 100,
        longPollSeconds: Int = 20,
        tokens: SignedTokens? = nil,
        middleware: (any MiddlewareProtocol<Request, Response, BasicRequestContext>)? = nil,
        authorise: @escaping @Sendable (Request, BasicRequestContext) async throws -> AccessDecision = { _, _ in
            .everybody
        },
        _ body: @Sendable (RunningApp) async throws -> Value
    ) async throws -> Value {
        let streams = try EventStreams()
        var configuration = HummingbirdStreams.Configuration()
        configuration.isPlaintextHTTP2 = isPlaintextHTTP2
        configuration.heartbeat = heartbeat
        configuration.drainDeadline = drainDeadline
        configuration.heldReaders = heldReaders
        try configuration.set("long-poll-seconds", to: "\(longPollSeconds)")
        configuration.allowedOrigins = ["https://app.example"]
        let freshet = try HummingbirdStreams(streams, configuration: configuration, tokens: tokens)
        let router = Router()
        if let middleware { router.add(middleware: middleware) }
        router.get("/own") { _, _ in "own" }
        freshet.addRoutes(to: router, authorise: authorise)
        let (ports, found) = AsyncStream.makeStream(of: Int.self)
        let app = Application(
            router: router,
            server: server,
            configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            services: [freshet],
            onServerRunning: { found.yield($0.localAddress?.port ?? 0) },
            logger: Logger(label: "test")
        )
        let group = ServiceGroup(configuration: .init(services: [app], logger: Logger(label: "test")))
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let port = await ports.first { _ in true } ?? 0
            let value = try await body(
                RunningApp(streams: streams, freshet: freshet, port: port, isSecure: isSecure, group: group)
            )
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return value
        }
    }

    /// Who waits for a stream that does not exist is attached too.
    func readers(of name: String) throws -> Int { streams.streams.attendance(of: try StreamName(name)).readers }

    /// Returns when the loops have done what was left to them by now, such as giving back the place of a response that
    /// was let go of: its client may have seen the end before.
    func settle() async throws {
        for loop in MultiThreadedEventLoopGroup.singleton.makeIterator() { try await loop.submit {}.get() }
    }

    func stop() async { await group.triggerGracefulShutdown() }

    /// Sends a request as bytes, and returns the connection.
    func send(_ request: String) async throws -> RawConnection {
        try await RawConnection(port: port, request: request)
    }
}

/// A connection on which bytes are sent and read as they are.
final class RawConnection: Sendable {
    private let channel: NIOAsyncChannel<ByteBuffer, ByteBuffer>

    init(port: Int, request: String) async throws {
        channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(host: "127.0.0.1", port: port) { channel in
                channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel(wrappingChannelSynchronously: channel) }
            }
        try await channel.channel.writeAndFlush(ByteBuffer(string: request))
    }

    func close() async throws { try await channel.channel.close() }

    /// Reads until a text has come, or to the end, and returns all of it. Closes the connection.
    func read(until text: String? = nil) async throws -> String {
        try await channel.executeThenClose { inbound, _ in
            var all = ""
            for try await part in inbound {
                // The text may begin in the part before.
                let seen = all.utf8.suffix(256)
                all += String(buffer: part)
                if let text, all[seen.startIndex...].contains(text) { break }
            }
            return all
        }
    }
}
