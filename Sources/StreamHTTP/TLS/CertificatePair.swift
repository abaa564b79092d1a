import NIOCore
import NIOSSL

/// A server's certificate with its chain, and the private key that belongs to it: checked together, and ready for use.
@available(freshet 0.1, *)
package struct CertificatePair: Sendable {
    /// What cannot be used, and why.
    package enum Problem: Error, Equatable {
        case noCertificate
        case noKey
        case passwordMissing
        case passwordWrong
        /// The key is that of another certificate.
        case mismatch
        case unusable(String)
    }

    let context: NIOSSLContext
    /// The first and the last second since 1970 at which clients take the certificate.
    package let validity: (from: Int64, to: Int64)

    /// - Parameters:
    ///   - certificate: PEM, the server's own first, then the chain towards its root.
    ///   - key: PEM, in clear or encrypted.
    ///   - offersHTTP2: whether clients may choose HTTP/2 (ALPN).
    package init(
        certificate: [UInt8],
        key: [UInt8],
        password: [UInt8]?,
        offersHTTP2: Bool
    ) throws(Problem) {
        let chain = try Self.chain(certificate)
        validity = (Int64(chain[0].notValidBefore), Int64(chain[0].notValidAfter))
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain.map { .certificate($0) },
            privateKey: .privateKey(try Self.key(key, password))
        )
        configuration.minimumTLSVersion = .tlsv12
        configuration.cipherSuiteValues = Self.ciphers
        configuration.applicationProtocols = offersHTTP2 ? ["h2", "http/1.1"] : ["http/1.1"]
        // A peer that does not say goodbye keeps its connection no longer.
        configuration.shutdownTimeout = .seconds(2)
        do {
            context = try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            // It was read before: what is wrong is that it does not belong there.
            throw .mismatch
        } catch {
            throw .unusable("\(error)")
        }
    }

    /// Those of TLS 1.2, which RFC 9113 leaves to HTTP/2 (section 9.2.2): with forward secrecy, and authenticated. TLS
    /// 1.3 has no others.
    private static let ciphers: [NIOTLSCipher] = [
        .TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, .TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        .TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, .TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        .TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, .TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ]

    private static func chain(_ pem: [UInt8]) throws(Problem) -> [NIOSSLCertificate] {
        let chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(pem)
        } catch {
            throw .noCertificate
        }
        guard !chain.isEmpty else { throw .noCertificate }
        return chain
    }

    private static func key(_ pem: [UInt8], _ password: [UInt8]?) throws(Problem) -> NIOSSLPrivateKey {
        var isEncrypted = false
        do {
            return try NIOSSLPrivateKey(bytes: pem, format: .pem) { setPassword in
                isEncrypted = true
                setPassword(password ?? [])
            }
        } catch {
            throw !isEncrypted ? .noKey : password == nil ? .passwordMissing : .passwordWrong
        }
    }
}
