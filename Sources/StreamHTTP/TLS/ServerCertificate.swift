import Locks
import NIOSSL

/// The certificate that new connections are met with. It can be replaced while the server runs: connections that are
/// open keep the one they began with.
@available(freshet 0.1, *)
package final class ServerCertificate: Sendable {
    private let pair: Mutex<CertificatePair>

    package init(_ pair: CertificatePair) {
        self.pair = Mutex(pair)
    }

    /// The last second since 1970 at which clients take the one that new connections are met with.
    package var lastSecond: Int64 { pair.withLock { $0.validity.to } }

    package func replace(with other: CertificatePair) { pair.withLock { $0 = other } }

    /// What ends TLS on one new connection.
    func handler() -> NIOSSLServerHandler { NIOSSLServerHandler(context: pair.withLock { $0.context }) }
}
