import Foundation
import NIOCore
import NIOHTTP1
import NIOHTTP2
import NIOPosix
import NIOSSL
import StreamHTTP

/// How the client and the server of the suite speak: `FRESHET_TRANSPORT`, as for the black-box tests.
enum SuiteTransport: String {
    case clear
    case tls
    case h2c
    case h2

    static let current: SuiteTransport = {
        guard let name = ProcessInfo.processInfo.environment["FRESHET_TRANSPORT"] else { return .clear }
        guard let transport = SuiteTransport(rawValue: name) else {
            preconditionFailure("FRESHET_TRANSPORT is clear, tls, h2c or h2, not \(name)")
        }
        return transport
    }()

    private var isHTTP2: Bool { self == .h2c || self == .h2 }

    private var isTLS: Bool { self == .tls || self == .h2 }

    var scheme: String { isTLS ? "https" : "http" }

    /// The kind of the server's port.
    func port() throws -> PortKind {
        guard isTLS else { return PortKind(takesHTTP2Preface: isHTTP2) }
        return PortKind(certificate: ServerCertificate(try Self.certificate.get().pair))
    }

    /// A channel of the client's: a connection, or a stream that has one to itself.
    func connect(
        port: Int,
        _ initialise: @escaping @Sendable (any Channel) throws -> Void
    ) async throws -> any Channel {
        let tls = isTLS ? try clientContext() : nil
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        guard isHTTP2 else {
            return try await bootstrap.channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try Self.add(tls, to: channel)
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try initialise(channel)
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        }
        let connection = try await bootstrap.connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try Self.add(tls, to: channel)
                return try channel.pipeline.syncOperations.configureAsyncHTTP2Pipeline(mode: .client) { pushed in
                    pushed.close()
                }
            }
        }
        let scheme: HTTP2FramePayloadToHTTP1ClientCodec.HTTPProtocol = isTLS ? .https : .http
        return try await connection.openStream { channel in
            channel.eventLoop.makeCompletedFuture {
                let codec = HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: scheme)
                try channel.pipeline.syncOperations.addHandler(codec)
                try initialise(channel)
                return channel
            }
        }
    }

    private static func add(_ context: NIOSSLContext?, to channel: any Channel) throws {
        guard let context else { return }
        let handler = try NIOSSLClientHandler(context: context, serverHostname: "localhost")
        try channel.pipeline.syncOperations.addHandler(handler)
    }

    private func clientContext() throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.trustRoots = .certificates([try Self.certificate.get().authority])
        configuration.applicationProtocols = isHTTP2 ? ["h2"] : ["http/1.1"]
        return try NIOSSLContext(configuration: configuration)
    }

    private struct Certificate {
        var pair: CertificatePair
        var authority: NIOSSLCertificate
    }

    /// What `scripts/dev-certificate` makes, once for the whole suite.
    private static let certificate = Result { () throws -> Certificate in
        let folder = FileManager.default.temporaryDirectory.appending(path: "freshet-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = Process()
        let script = "../../../../scripts/dev-certificate"
        process.executableURL = URL(filePath: #filePath).appending(path: script).standardized
        process.arguments = [folder.path]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        func file(_ name: String) throws -> [UInt8] { Array(try Data(contentsOf: folder.appending(path: name))) }
        return Certificate(
            pair: try CertificatePair(
                certificate: try file("certificate.pem"),
                key: try file("key.pem"),
                password: nil,
                offersHTTP2: true
            ),
            authority: try NIOSSLCertificate(bytes: try file("ca.pem"), format: .pem)
        )
    }
}
