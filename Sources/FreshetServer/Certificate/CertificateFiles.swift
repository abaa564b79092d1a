import Foundation
package import StreamHTTP

/// The files of a server's certificate, which may be read again while it runs.
@available(freshet 0.1, *)
package struct CertificateFiles: Sendable, Equatable {
    /// What is wrong with one of them, and what to do. It never shows a key or a password.
    package struct Trouble: Error, Equatable, CustomStringConvertible {
        package var file: String
        package var reason: String

        package var description: String { "\(file): \(reason)" }
    }

    package var certificate: String
    package var key: String
    /// Holds the password of an encrypted key.
    package var password: String?
    package var offersHTTP2: Bool

    /// The pair that they hold now.
    package func read() throws(Trouble) -> CertificatePair {
        let chain = try Self.bytes(certificate, "the certificate")
        let key = try Self.bytes(key, "the key")
        var password: [UInt8]?
        if let file = self.password { password = Self.line(try Self.bytes(file, "the key's password")) }
        do {
            return try CertificatePair(certificate: chain, key: key, password: password, offersHTTP2: offersHTTP2)
        } catch {
            throw trouble(error)
        }
    }

    private func trouble(_ problem: CertificatePair.Problem) -> Trouble {
        switch problem {
        case .noCertificate:
            Trouble(file: certificate, reason: "there is no certificate in PEM form in it")
        case .noKey:
            Trouble(file: key, reason: "there is no private key in PEM form in it")
        case .passwordMissing:
            Trouble(file: key, reason: "the key is encrypted; name the file of its password in tls-key-password-file")
        case .passwordWrong:
            Trouble(file: key, reason: "the password in \(password ?? "its file") does not open the key")
        case .mismatch:
            Trouble(
                file: key,
                reason:
                    "this is not the key of the first certificate in \(certificate); the server's own stands first, "
                    + "and its chain follows"
            )
        case .unusable(let why):
            Trouble(file: certificate, reason: "TLS cannot use it: \(why)")
        }
    }

    private static func bytes(_ file: String, _ what: String) throws(Trouble) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw Trouble(file: file, reason: "\(what) cannot be read: \(error.localizedDescription)")
        }
    }

    /// The first line, without its end.
    private static func line(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") })
    }
}

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Where the certificate is; nil for a server without TLS.
    package var certificateFiles: CertificateFiles? {
        guard let certificate = self.tlsCertificate, let key = self.tlsKey else { return nil }
        return CertificateFiles(
            certificate: certificate,
            key: key,
            password: self.tlsKeyPasswordFile,
            offersHTTP2: self.http2
        )
    }
}

@available(freshet 0.1, *)
extension CertificatePair {
    /// What to say of a certificate that clients do not take now, by the second since 1970; nil for a good one.
    package func warning(now: Int64) -> String? {
        if now > validity.to { return "The certificate expired on \(Self.date(validity.to)): clients refuse it." }
        if now < validity.from {
            return "The certificate is not valid before \(Self.date(validity.from)): clients refuse it."
        }
        return nil
    }

    package var expiry: String { Self.date(validity.to) }

    private static func date(_ second: Int64) -> String { HTTPDate.text(secondsSince1970: UInt64(max(0, second))) }
}
