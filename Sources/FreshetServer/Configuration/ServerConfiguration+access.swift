import Foundation

@available(freshet 0.1, *)
extension ServerConfiguration {
    /// Reads the keys file; nil if none is set.
    package func readKeys() throws(KeyFileError) -> KeyRing? {
        guard let keys = self.keys else {
            return nil
        }
        let text: String
        do {
            text = try String(contentsOfFile: keys, encoding: .utf8)
        } catch {
            throw KeyFileError(
                file: keys,
                line: nil,
                reason: "the keys file cannot be read: \(error.localizedDescription)"
            )
        }
        return try KeyRing(parsing: text, file: keys)
    }

    /// Reads the file of the secrets that sessions are signed with; nil if none is set.
    package func readSessionSecrets() throws(KeyFileError) -> SessionSecrets? {
        guard let file = self.sessionSecretFile else { return nil }
        return try SessionSecrets(file: file)
    }

    /// Where clients reach the server, if that was set.
    package var publicAddress: PublicURL? { self.publicURL.flatMap(PublicURL.init(parsing:)) }

    /// Who may, as it is set here.
    package func accessPolicy(
        keys: KeyRing?,
        tokens: (any TokenAuthenticator)? = nil,
        sessions: SessionSecrets = .ofThisProcess
    ) -> AccessPolicy {
        // A server told to listen on 127.0.0.2 answers to that name too: it is an address, which no page can rebind.
        AccessPolicy(
            boundToLoopback: isLoopback,
            hosts: self.hosts + (publicAddress.map { [$0.origin.host] } ?? [])
                + [self.host.utf8.contains(UInt8(ascii: ":")) ? "[\(self.host)]" : self.host],
            allowedOrigins: self.allowedOrigins + (publicAddress.map { [$0.origin.description] } ?? []),
            keys: keys,
            tokens: tokens,
            sessions: sessions,
            open: self.open
        )
    }
}
