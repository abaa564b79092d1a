package import NIOCore
import NIOHTTP2
import NIOPosix
import NIOSSL
import NIOTLS

/// A client that hides nothing: when each byte came, how the body was framed, and how it ended.
///
/// Each request has a connection of its own. Over TLS it offers HTTP/2, unless told not to; in clear it speaks HTTP/1.1.
package struct MeasuringClient: Sendable {
    private static let connectTime: TimeAmount = .seconds(10)

    private let tls: NIOSSLContext?
    private let group: any EventLoopGroup

    /// - Parameters:
    ///   - verifies: Whether a certificate that no known authority signed is refused.
    ///   - offersHTTP2: Whether HTTP/2 is offered through TLS.
    ///   - isSecure: Whether any of the servers is reached through TLS.
    package init(
        isSecure: Bool,
        verifies: Bool = true,
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
        if !verifies { configuration.certificateVerification = .none }
        tls = try NIOSSLContext(configuration: configuration)
    }

    package func perform(_ request: ClientRequest) async -> Recording {
        let loop = group.next()
        let result = loop.makePromise(of: Recording.self)
        loop.execute { start(request, on: loop, result) }
        do {
            return try await result.futureResult.get()
        } catch {
            preconditionFailure("a recording is handed over, whatever happened: \(error)")
        }
    }

    private func start(_ request: ClientRequest, on loop: any EventLoop, _ result: EventLoopPromise<Recording>) {
        let recorder = NIOLoopBound(ExchangeRecorder(request, result: result), eventLoop: loop)
        // Whatever happens, or does not, this ends it.
        let limit = loop.scheduleTask(in: .milliseconds(Int64(request.limit))) { recorder.value.finish(.open) }
        var leaving: Scheduled<Void>?
        if let leavesAfter = request.leavesAfter {
            leaving = loop.scheduleTask(in: .milliseconds(Int64(leavesAfter))) { recorder.value.finish(.left) }
        }
        result.futureResult.whenComplete { [leaving] _ in
            limit.cancel()
            leaving?.cancel()
        }
        ClientBootstrap(group: loop)
            .connectTimeout(Self.connectTime)
            .channelOption(.socketOption(.tcp_nodelay), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try prepare(channel, recorder) }
            }
            .connect(host: request.server.host, port: request.server.port)
            .whenFailure { recorder.value.finish(.unreachable(TransportTrouble.describe($0))) }
    }

    private func prepare(_ channel: any Channel, _ recorder: NIOLoopBound<ExchangeRecorder>) throws {
        let server = recorder.value.request.server
        recorder.value.hangUp = { channel.close(promise: nil) }
        guard server.isSecure, let tls else {
            return try channel.pipeline.syncOperations.addHandler(HTTP1Exchange(recorder.value))
        }
        // A name only: TLS has no server name that is an address (RFC 6066, section 3).
        let isAddress = (try? SocketAddress(ipAddress: server.host, port: 0)) != nil
        let negotiation = ApplicationProtocolNegotiationHandler { result, channel in
            if case .negotiated("h2") = result { return Self.beginHTTP2(channel, recorder) }
            return channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(HTTP1Exchange(recorder.value))
            }
        }
        try channel.pipeline.syncOperations.addHandlers([
            NIOSSLClientHandler(context: tls, serverHostname: isAddress ? nil : server.host),
            HandshakeWatch(recorder.value),
            negotiation,
        ])
    }

    private static func beginHTTP2(
        _ channel: any Channel,
        _ recorder: NIOLoopBound<ExchangeRecorder>
    ) -> EventLoopFuture<Void> {
        channel.configureHTTP2Pipeline(
            mode: .client,
            connectionConfiguration: .init(),
            streamConfiguration: .init()
        ) { pushed in
            pushed.close()
        }.map { multiplexer in
            multiplexer.createStreamChannel(promise: nil) { stream in
                stream.eventLoop.makeCompletedFuture {
                    recorder.value.hangUp = {
                        // RST_STREAM first, which is what a browser sends, and then the connection.
                        stream.close().whenComplete { _ in channel.close(promise: nil) }
                    }
                    try stream.pipeline.syncOperations.addHandler(HTTP2Exchange(recorder.value))
                }
            }
        }
    }
}

/// Tells of a TLS handshake that fails, before there is anybody to send a request.
private final class HandshakeWatch: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let recorder: ExchangeRecorder
    private var isDone = false

    init(_ recorder: ExchangeRecorder) {
        self.recorder = recorder
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { isDone = true }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if isDone { return context.fireErrorCaught(error) }
        recorder.finish(.unreachable(TransportTrouble.describe(error)))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isDone { recorder.finish(.unreachable("closed during the TLS handshake")) }
        context.fireChannelInactive()
    }
}
