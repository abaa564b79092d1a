package import FreshetServer
package import Logging

/// The signed tokens (JWT, RFC 7519) that a server takes: whose, and by which keys they are checked.
///
/// The library `FreshetTokens` makes one of issuers; a program that does not import it compiles none of that.
///
/// ```swift
/// let app = TokenIssuer("app", audience: "freshet", keys: [.secret(file: "secret")])
/// let server = try EmbeddedServer(tokens: .issuers([app]))
/// ```
@available(freshet 0.1, *)
public struct SignedTokens: Sendable {
    /// Makes what checks them in one server. It opens nothing before it is started.
    package let authenticator: @Sendable (Logger) throws(SetupError) -> any ServedTokens

    package init(authenticator: @escaping @Sendable (Logger) throws(SetupError) -> any ServedTokens) {
        self.authenticator = authenticator
    }
}

/// What checks tokens while a server runs.
@available(freshet 0.1, *)
package protocol ServedTokens: TokenAuthenticator {
    /// Fetches the keys that are behind URLs. Returns when each issuer has answered, or has had its time.
    func start() async
    func stop() async
    /// Reads the files of keys again. Where one cannot be used nothing changes.
    func readKeysAgain(_ logger: Logger) throws(SetupError)
}
