import NIOCore
import NIOPosix
import NIOSSL
import PrintableText

/// TLS towards Redis: its certificate is always verified, and is for the host that the URL names.
@available(freshet 0.1, *)
enum RedisTLS {
    /// Reads the certificates, on a thread that may wait for the disk: a connection after a renewal has the new ones.
    static func context(_ url: RedisURL, on loop: any EventLoop) -> EventLoopFuture<NIOSSLContext> {
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { try context(url) }
    }

    private static func context(_ url: RedisURL) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.minimumTLSVersion = .tlsv12
        // Whoever is dead takes no leave.
        configuration.shutdownTimeout = .seconds(1)
        if let ca = url.ca {
            configuration.trustRoots = .certificates(try certificates(ca, "the certificates that are trusted"))
        }
        if let chain = url.certificate, let key = url.key {
            configuration.certificateChain = try certificates(chain, "the client's certificate").map {
                .certificate($0)
            }
            do {
                configuration.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            } catch {
                throw RedisTrouble(
                    .tls,
                    "\(PrintableText.escaped(key)) cannot be read as the client's key, in PEM and clear"
                )
            }
        }
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw RedisTrouble(.tls, "the client's key is not that of its certificate")
        }
    }

    private static func certificates(_ file: String, _ what: String) throws -> [NIOSSLCertificate] {
        let certificates = try? NIOSSLCertificate.fromPEMFile(file)
        guard let certificates, !certificates.isEmpty else {
            throw RedisTrouble(.tls, "\(PrintableText.escaped(file)) cannot be read as \(what), in PEM")
        }
        return certificates
    }

    /// Handlers for one connection. A host that is an address has no name to ask for; its certificate names the address.
    static func handler(_ context: NIOSSLContext, host: String) throws -> NIOSSLClientHandler {
        let isAddress = (try? SocketAddress(ipAddress: host, port: 0)) != nil
        return try NIOSSLClientHandler(context: context, serverHostname: isAddress ? nil : host)
    }
}
