package import Logging
package import NIOCore
import NIOHTTP1
import NIOPosix
package import StreamCore

/// Serves streams over HTTP/1.1: accepts connections, spreads them over event loops, and goes away in good order.
package final class StreamServer: Sendable {
    private let configuration: DataPlaneConfiguration
    private let responder: any Responder
    private let streams: Streams
    private let time: any TimeSource
    private let group: MultiThreadedEventLoopGroup
    private let census: ConnectionCensus
    private let reserve = DescriptorReserve()
    private let logger: Logger
    private let planes: [ObjectIdentifier: NIOLoopBound<LoopPlane>]
    private let loops: [any EventLoop]
    package let held: HeldReaders

    /// - Parameters:
    ///   - eventLoops: how many threads carry connections; 0 means one for each core.
    ///   - logger: told when there are fewer descriptors than connections were configured.
    package init(
        streams: Streams,
        responder: any Responder,
        held: HeldReaders,
        configuration: DataPlaneConfiguration,
        eventLoops: Int = 0,
        time: any TimeSource = SystemTime(),
        logger: Logger = Logger(label: "freshet.server") { _ in SwiftLogNoOpLogHandler() }
    ) async {
        self.streams = streams
        self.responder = responder
        self.configuration = configuration
        self.time = time
        self.held = held
        self.logger = logger
        self.census = ConnectionCensus(
            ConnectionLimits(
                connections: configuration.connections,
                perAddress: configuration.connectionsPerAddress
            )
        )
        let group = MultiThreadedEventLoopGroup(numberOfThreads: eventLoops > 0 ? eventLoops : System.coreCount)
        self.group = group
        var planes: [ObjectIdentifier: NIOLoopBound<LoopPlane>] = [:]
        var loops: [any EventLoop] = []
        for loop in group.makeIterator() {
            loops.append(loop)
            planes[ObjectIdentifier(loop)] = await Self.makePlane(on: loop, streams, configuration, held)
        }
        self.planes = planes
        self.loops = loops
    }

    /// Begins to listen. The address is the real one, also where port 0 was asked for.
    ///
    /// Everything that the program needs for itself should be open by now: connections get of the limit of open files
    /// what is left. Throws `TooFewOpenFiles` where that is not enough for any.
    package func listen(host: String, port: Int) async throws -> (channel: any Channel, address: SocketAddress) {
        try fitLimits()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .serverChannelOption(.maxMessagesPerRead, value: UInt(ConnectionLimits.inPassing / 2))
            .serverChannelInitializer { [census, reserve, logger] channel in
                channel.eventLoop.makeCompletedFuture {
                    let gate = AcceptGate(census: census, reserve: reserve, logger: logger)
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
            .childChannelInitializer { [self] channel in initialise(channel) }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        return (channel, address)
    }

    /// Takes no more connections than there are descriptors for.
    private func fitLimits() throws {
        let limit = OpenFiles.limit
        let wanted = census.limits
        let open = OpenFiles.count ?? 64
        let room = ConnectionLimits.room(limit: limit, open: open, elsewhere: configuration.descriptorsElsewhere)
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

    private func initialise(_ channel: any Channel) -> EventLoopFuture<Void> {
        let address = channel.remoteAddress?.ipAddress ?? "unknown"
        let entry = census.enter(address) { channel.close(promise: nil) }
        let refusal = entry.refusal
        let census = census
        channel.closeFuture.whenComplete { _ in census.leave(entry) }
        return channel.eventLoop.makeCompletedFuture {
            guard let plane = planes[ObjectIdentifier(channel.eventLoop)]?.value else {
                preconditionFailure("a connection on a loop that is not the server's")
            }
            plane.counts.connections += 1
            if refusal != nil { plane.counts.refusedConnections += 1 }
            try channel.syncOptions?.setStreamingOptions()
            let connection = ConnectionHandler(
                plane: plane,
                responder: responder,
                address: address,
                refusal: refusal,
                time: time
            )
            var limits = NIOHTTPDecoderLimitConfiguration()
            limits.maxHeaderFieldSize = configuration.headerBytes
            limits.maxHeaderListSize = configuration.headerBytes
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ArrivalHandler(connection: connection))
            try pipeline.addHandler(
                ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes, limitConfiguration: limits))
            )
            try pipeline.addHandler(connection)
        }
    }

    /// Everybody whose stream nobody writes is asked to come back elsewhere; the others may stay for the end.
    package func beginDraining() async { await onEachPlane { $0.beginDraining() } }

    /// The deadline: everybody goes.
    package func endDraining() async { await onEachPlane { $0.endDraining() } }

    /// Connections that are still in the middle of something.
    package func busyConnections() async -> Int {
        var count = 0
        for loop in loops {
            guard let plane = planes[ObjectIdentifier(loop)] else { continue }
            count += (try? await loop.submit { plane.value.busyConnections }.get()) ?? 0
        }
        return count
    }

    /// Connections that are open now.
    package var connections: Int { census.total }

    /// The sum of what the loops have counted.
    package func metrics() async -> DataPlaneMetrics {
        var sum = DataPlaneMetrics()
        for loop in loops {
            guard let plane = planes[ObjectIdentifier(loop)] else { continue }
            if let part = try? await loop.submit({ plane.value.metrics }).get() { sum = sum + part }
        }
        return sum
    }

    /// Closes what is left and ends the threads.
    package func stop() async {
        await onEachPlane { $0.stop() }
        try? await group.shutdownGracefully()
    }

    private func onEachPlane(_ body: @escaping @Sendable (LoopPlane) -> Void) async {
        for loop in loops {
            guard let plane = planes[ObjectIdentifier(loop)] else { continue }
            try? await loop.submit { body(plane.value) }.get()
        }
    }

    static func makePlane(
        on loop: any EventLoop,
        _ streams: Streams,
        _ configuration: DataPlaneConfiguration,
        _ held: HeldReaders
    ) async -> NIOLoopBound<LoopPlane> {
        let made = loop.submit {
            let plane = LoopPlane(eventLoop: loop, streams: streams, configuration: configuration, held: held)
            plane.start()
            return NIOLoopBound(plane, eventLoop: loop)
        }
        do {
            return try await made.get()
        } catch {
            preconditionFailure("a new event loop refused work: \(error)")
        }
    }
}
