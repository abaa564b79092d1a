package import Logging
package import NIOCore
import NIOPosix
package import StreamCore
package import Tracing

/// A server of HTTP/1.1 and HTTP/2, in clear text and over TLS: accepts connections, spreads them over event loops, and goes away in
/// good order. What it answers is its responder's, and so are the streams that a response may follow.
@available(freshet 0.1, *)
package final class HTTPServer: Sendable {
    private let group: MultiThreadedEventLoopGroup
    private let census: ConnectionCensus
    private let streams: HTTP2StreamCensus
    private let gates = AcceptGates()
    private let reserve = DescriptorReserve()
    private let logger: Logger
    private let descriptorsElsewhere: Int
    package let loops: HTTPLoops

    /// - Parameters:
    ///   - eventLoops: how many threads carry connections; 0 means one for each core.
    ///   - logger: told what fails, and when there are fewer descriptors than connections were configured.
    ///   - accessLog: gets a line for every request.
    ///   - tracer: makes a span of every request.
    package init(
        responder: any Responder,
        configuration: DataPlaneConfiguration,
        eventLoops: Int = 0,
        time: any TimeSource = SystemTime(),
        logger: Logger = Logger(label: "freshet.server") { _ in SwiftLogNoOpLogHandler() },
        accessLog: AccessLog? = nil,
        tracer: (any Tracer)? = nil
    ) async {
        self.logger = logger
        self.descriptorsElsewhere = configuration.descriptorsElsewhere
        self.census = ConnectionCensus(
            ConnectionLimits(
                connections: configuration.connections,
                perAddress: configuration.connectionsPerAddress
            )
        )
        self.streams = HTTP2StreamCensus(limit: configuration.http2.streamsPerAddress)
        self.group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops > 0 ? eventLoops : System.coreCount)
        self.loops = await HTTPLoops(
            group,
            responder: responder,
            configuration: configuration,
            time: time,
            log: ServerLog(logger),
            accessLog: accessLog,
            tracer: tracer
        )
    }

    /// Begins to listen on one more port. The address is the real one, also where port 0 was asked for.
    ///
    /// Everything that the program needs for itself should be open by now: connections get of the limit of open files
    /// what is left. Throws `TooFewOpenFiles` where that is not enough for any.
    package func listen(
        host: String,
        port: Int,
        _ kind: PortKind = PortKind()
    ) async throws -> (channel: any Channel, address: SocketAddress) {
        if gates.isEmpty { try fitLimits() }
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(ConnectionLimits.inPassing / 2))
            .serverChannelInitializer { [census, gates, reserve, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    let gate = AcceptGate(census: census, gates: gates, reserve: reserve, logger: logger)
                    try channel.pipeline.syncOperations.addHandler(gate)
                }
            }
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .childChannelOption(.maxMessagesPerRead, value: 4)
            .childChannelOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 2048, maximum: 65_536)
            )
            .childChannelOption(.writeBufferWaterMark, value: .init(low: 32 * 1024, high: 64 * 1024))
            .childChannelInitializer { [self] channel in initialise(channel, kind) }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        return (channel, address)
    }

    /// Takes no more connections than there are descriptors for.
    private func fitLimits() throws {
        let limit = OpenFiles.limit
        let wanted = census.limits
        let open = OpenFiles.count ?? 64
        let room = ConnectionLimits.room(limit: limit, open: open, elsewhere: descriptorsElsewhere)
        guard let fitted = wanted.fitting(room) else { throw TooFewOpenFiles(limit: limit, open: open) }
        guard fitted != wanted else { return }
        census.limits = fitted
        logger.warning(
            """
            The limit of open files, \(limit), leaves room for \(fitted.connections) connections and not for \
            \(wanted.connections), as set; \(fitted.perAddress) of one address, of \(wanted.perAddress) (0: no bound).
            """
        )
    }

    private func initialise(_ channel: any Channel, _ kind: PortKind) -> EventLoopFuture<Void> {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        let entry = census.enter(address) { channel.close(promise: nil) }
        let refusal = entry.refusal
        let census = census
        channel.closeFuture.whenComplete { _ in census.leave(entry) }
        return channel.eventLoop.makeCompletedFuture {
            let loop = loops.loop(on: channel.eventLoop)
            loop.counts.connections += 1
            if refusal != nil { loop.counts.refusedConnections += 1 }
            try channel.syncOptions?.setStreamingOptions()
            var peer = ConnectionPeer(address: address, refusal: refusal, kind)
            peer.streams = streams
            let begin = { [peer] (isHTTP2: Bool) throws in
                if isHTTP2 {
                    try HTTP2Connection.add(to: channel, loop: loop, peer: peer)
                } else {
                    // Without TLS nothing but what is added here is on the socket, and that looks at what arrives.
                    let isOnSocket = kind.certificate == nil
                    try HTTP1Connection.add(to: channel, loop: loop, peer: peer, isOnSocket: isOnSocket)
                }
            }
            guard let certificate = kind.certificate else {
                guard kind.takesHTTP2Preface else { return try begin(false) }
                let preface = HTTP2PrefaceHandler(loop: loop, peer: peer, begin: begin)
                return try channel.pipeline.syncOperations.addHandler(preface)
            }
            let time = loop.configuration.headerTime
            let handshake = TLSHandshake(
                loop: loop,
                patience: refusal == nil ? time : min(time, loop.configuration.refusedTime),
                begin: begin
            )
            try channel.pipeline.syncOperations.addHandler(certificate.handler())
            try channel.pipeline.syncOperations.addHandler(handshake)
        }
    }

    /// Connections that are open now.
    package var connections: Int { census.total }

    /// Closes what is left and ends the threads.
    package func stop() async {
        await loops.stop()
        try? await group.shutdownGracefully()
    }
}
