/// What a port of a server speaks.
@available(freshet 0.1, *)
package struct PortKind: Sendable {
    /// It speaks TLS only, with this certificate; nil for clear text only.
    package var certificate: ServerCertificate?
    /// Only this machine reaches it, whoever reaches the server's other port.
    package var isForThisMachine: Bool
    /// In clear text, who begins with HTTP/2's preface is spoken to in HTTP/2. Over TLS the handshake says.
    package var takesHTTP2Preface: Bool

    package init(
        certificate: ServerCertificate? = nil,
        isForThisMachine: Bool = false,
        takesHTTP2Preface: Bool = false
    ) {
        self.certificate = certificate
        self.isForThisMachine = isForThisMachine
        self.takesHTTP2Preface = takesHTTP2Preface
    }
}
