/// What a port of a server speaks.
package struct PortKind: Sendable {
    /// It speaks TLS only, with this certificate; nil for clear text only.
    package var certificate: ServerCertificate?
    /// Only this machine reaches it, whoever reaches the server's other port.
    package var isForThisMachine: Bool

    package init(certificate: ServerCertificate? = nil, isForThisMachine: Bool = false) {
        self.certificate = certificate
        self.isForThisMachine = isForThisMachine
    }
}
