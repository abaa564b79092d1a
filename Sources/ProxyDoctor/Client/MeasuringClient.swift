package import NIOCore
import NIOHTTP2
import NIOPosix
package import NIOSSL
import NIOTLS

/// A client that hides nothing: when each byte came, how the body was framed, and how it ended.
///
/// Each request has a connection of its own, but for those that are made together over HTTP/2. Over TLS it offers
/// HTTP/2, unless told not to; in clear it speaks HTTP/1.1.
@available(freshet 0.1, *)
package struct MeasuringClient: Sendable {
    /// Less than any request is given, so that it shows what took so long.
    private static let connectTime: TimeAmount = .seconds(5)

    private let tls: NIOSSLContext?
    private let group: any EventLoopGroup

    /// - Parameters:
    ///   - verifies: Whether a certificate that no known authority signed is refused.
    ///   - authorities: Certificates to trust beside the system's.
    ///   - offersHTTP2: Whether HTTP/2 is offered through TLS.
    ///   - isSecure: Whether any of the servers is reached through TLS.
    package init(
        isSecure: Bool,
        verifies: Bool = true,
        trusting authorities: [NIOSSLCertificate] = [],
        offersHTTP2: Bool = true,
        group: any EventLoopGroup = .singletonMultiThreadedEventLoopGroup
    ) throws {
        self.group = group
        guard isSecure else {
            tls = nil
            return
        }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.applicationProtocols = offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        if !authorities.isEmpty { configuration.additionalTrustRoots = [.certificates(authorities)] }
        if !verifies { configuration.certificateVerification = .none }
        tls = try NIOSSLContext(configuration: configuration)
    }

    package func perform(_ request: ClientRequest) async -> Recording {
        await perform(together: [request])[0]
    }

    /// Requests to one server at the same time, as a page makes them: where HTTP/2 is spoken they are streams of one
    /// connection, otherwise each has its own.
    package func perform(together requests: [ClientRequest]) async -> [Recording] {
        let loop = group.next()
        let results = requests.map { _ in loop.makePromise(of: Recording.self) }
        loop.execute { start(requests, on: loop, results) }
        var recordings: [Recording] = []
        for result in results {
            do {
                recordings.append(try await result.futureResult.get())
            } catch {
                preconditionFailure("a recording is handed over, whatever happened: \(error)")
            }
        }
        return recordings
    }

    private func start(
        _ requests: [ClientRequest],
        on loop: any EventLoop,
        _ results: [EventLoopPromise<Recording>]
    ) {
        let recorders = zip(requests, results).map { request, result in
            let recorder = NIOLoopBound(ExchangeRecorder(request, result: result), eventLoop: loop)
            // Whatever happens, or does not, this ends it.
            let limit = loop.scheduleTask(in: .milliseconds(Int64(request.limit))) { recorder.value.giveUp() }
            let leaving = request.leavesAfter.map { leavesAfter in
                loop.scheduleTask(in: .milliseconds(Int64(leavesAfter))) { recorder.value.finish(.left) }
            }
            result.futureResult.whenComplete { _ in
                limit.cancel()
                leaving?.cancel()
            }
            return recorder
        }
        // In clear there is no HTTP/2.
        if requests[0].server.isSecure {
            connect(recorders, on: loop)
        } else {
            for recorder in recorders { connect([recorder], on: loop) }
        }
    }

    /// - Parameter recorders: The exchanges for which this connection is, if it turns out to be one of HTTP/2; else
    /// only
    ///   for the first.
    private func connect(_ recorders: [NIOLoopBound<ExchangeRecorder>], on loop: any EventLoop) {
        let server = recorders[0].value.request.server
        ClientBootstrap(group: loop)
            .connectTimeout(Self.connectTime)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, recorders) }
            }
            .connect(host: server.host, port: server.port)
            .whenFailure { error in
                for recorder in recorders { recorder.value.finish(.unreachable(TransportTrouble.describe(error))) }
            }
    }

    private func prepare(_ channel: any Channel, _ recorders: [NIOLoopBound<ExchangeRecorder>]) throws {
        let first = recorders[0]
        let server = first.value.request.server
        for recorder in recorders {
            recorder.value.hangUp = {
                if recorders.allSatisfy(\.value.isOver) { channel.close(promise: nil) }
            }
        }
        guard server.isSecure, let tls else {
            return try channel.pipeline.syncOperations.addHandler(HTTP1Exchange(first.value))
        }
        // A name only: TLS has no server name that is an address (RFC 6066, section 3).
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil
        let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
            if case .negotiated("h2") = result { return Self.beginHTTP2(channel, recorders) }
            for other in recorders.dropFirst() { connect([other], on: channel.eventLoop) }
            return channel.eventLoop.makeCompletedFuture {
                first.value.hangUp = { channel.close(promise: nil) }
                try channel.pipeline.syncOperations.addHandler(HTTP1Exchange(first.value))
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : server.host),
            HandshakeWatch(recorders.map(\.value)),
            negotiation,
        ])
    }

    private static func beginHTTP2(
        _ channel: any Channel,
        _ recorders: [NIOLoopBound<ExchangeRecorder>]
    ) -> EventLoopFuture<Void> {
        channel.configureHTTP2Pipeline(
            mode: .client,
            connectionConfiguration: .init(),
            streamConfiguration: .init()
        ) { pushed in
            pushed.close()
        }.map { multiplexer in
            for recorder in recorders {
                multiplexer.createStreamChannel(promise: nil) { stream in
                    stream.eventLoop.makeCompletedFuture {
                        recorder.value.hangUp = {
                            // RST_STREAM first, which is what a browser sends, and then the connection.
                            stream.close().whenComplete { _ in
                                if recorders.allSatisfy(\.value.isOver) { channel.close(promise: nil) }
                            }
                        }
                        try stream.pipeline.syncOperations.addHandler(HTTP2Exchange(recorder.value))
                    }
                }
            }
        }
    }
}

/// Tells of a TLS handshake that fails, before there is anybody to send a request.
@available(freshet 0.1, *)
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let recorders: [ExchangeRecorder]
    private var isDone = false

    init(_ recorders: [ExchangeRecorder]) {
        self.recorders = recorders
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { isDone = true }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDone { return context.fireErrorCaught(error) }
        for recorder in recorders { recorder.finish(.unreachable(TransportTrouble.describe(error))) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone {
            for recorder in recorders { recorder.finish(.unreachable("closed during the TLS handshake")) }
        }
        context.fireChannelInactive()
    }
}
