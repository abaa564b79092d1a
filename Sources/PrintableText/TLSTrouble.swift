/// What went wrong with TLS, in words: BoringSSL and the library around it give a dump of codes, files and types.
@available(freshet 0.1, *)
package enum TLSTrouble {
    private static func meanings(_ clearText: String) -> [(sign: String, words: String)] {
        [
            ("WRONG_VERSION_NUMBER", "the server speaks clear text there, not TLS: write \(clearText)"),
            ("HTTP_REQUEST", "the server speaks clear text there, not TLS: write \(clearText)"),
            ("CERTIFICATE_VERIFY_FAILED", "its certificate is not one that this machine trusts"),
            ("failedToValidateHostname", "its certificate is for another host"),
            ("unableToValidateCertificate", "its certificate cannot be verified"),
            ("CERTIFICATE_EXPIRED", "the certificate has expired"),
            ("CERTIFICATE_REQUIRED", "it asks for a client certificate"),
            ("UNSUPPORTED_PROTOCOL", "it offers no version of TLS that is taken here"),
            ("PROTOCOL_VERSION", "it takes no version of TLS that is offered here"),
            ("NO_SHARED_CIPHER", "the two sides have no cipher in common"),
            ("HANDSHAKE_FAILURE", "it refused the handshake"),
            ("uncleanShutdown", "it closed the connection without the end that TLS has"),
            (
                "EOF",
                "it closed the connection during the handshake; if the server speaks clear text there, write \(clearText)"
            ),
        ]
    }

    /// - Parameters:
    ///   - dump: an error as its library describes it.
    ///   - clearText: how the URL of a server begins that speaks clear text.
    /// - Returns: Nil where that is no error of TLS.
    package static func describe(_ dump: String, clearText: String = "http://") -> String? {
        let signs = ["BoringSSL", "NIOSSL", "OPENSSL_internal", "handshakeFailed", "uncleanShutdown"]
        guard signs.contains(where: { dump.utf8.contains($0.utf8) }) else { return nil }
        let meaning = meanings(clearText).first { dump.utf8.contains($0.sign.utf8) }
        return "TLS: " + (meaning?.words ?? "the handshake failed")
    }
}
