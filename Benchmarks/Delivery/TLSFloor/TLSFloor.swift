import NIOCore
import NIOPosix
import NIOSSL

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What it costs to write the same bytes to every connection through NIO and its TLS, with nothing above: whatever comes
/// on the control port goes to each connection that has sent something to the other port. One event loop.
///
///     TLSFloor PORT CONTROL-PORT CERTIFICATE KEY
@available(freshet 0.1, *)
@main
struct TLSFloor {
    static func main() async throws {
        let arguments = CommandLine.arguments
        guard arguments.count == 5, let port = Int(arguments[1]), let controlPort = Int(arguments[2]) else {
            print("usage: TLSFloor PORT CONTROL-PORT CERTIFICATE KEY")
            exit(64)
        }
        let chain = try NIOSSLCertificate.fromPEMFile(arguments[3]).map { NIOSSLCertificateSource.certificate($0) }
        let key = try NIOSSLPrivateKey(file: arguments[4], format: .pem)
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain,
            privateKey: .privateKey(key)
        )
        let tls = try NIOSSLContext(configuration: configuration)
        let loop = MultiThreadedEventLoopGroup(numberOfThreads: 1).next()
        let readers = try await loop.submit { NIOLoopBound(Readers(), eventLoop: loop) }.get()
        let server = try await ServerBootstrap(group: loop)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(NIOSSLServerHandler(context: tls))
                    try pipeline.addHandler(Reader(readers.value))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        _ = try await ServerBootstrap(group: loop)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Control(readers.value))
                }
            }
            .bind(host: "127.0.0.1", port: controlPort).get()
        try await server.closeFuture.get()
    }
}

/// Everyone who is written to.
@available(freshet 0.1, *)
private final class Readers {
    var all: [ObjectIdentifier: Reader] = [:]
}

@available(freshet 0.1, *)
private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let readers: Readers
    private var context: ChannelHandlerContext?

    init(_ readers: Readers) {
        self.readers = readers
    }

    func write(_ bytes: ByteBuffer) { context?.writeAndFlush(Self.wrapOutboundOut(bytes), promise: nil) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.context = context
        readers.all[ObjectIdentifier(self)] = self
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.context = nil
        readers.all[ObjectIdentifier(self)] = nil
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

@available(freshet 0.1, *)
private final class Control: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let readers: Readers

    init(_ readers: Readers) {
        self.readers = readers
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = Self.unwrapInboundIn(data)
        for reader in readers.all.values { reader.write(bytes) }
    }
}
