/// By whom a token was signed: what an open request and a session that it was shown for rest on.
@available(freshet 0.1, *)
package struct TokenSigner: Sendable, Hashable {
    /// The issuer's name; nil for the one without.
    package var issuer: String?
    /// Which of its keys: a digest of what it is called, what it is for, and its bytes.
    package var key: [UInt8]

    package init(issuer: String?, key: [UInt8]) {
        self.issuer = issuer
        self.key = key
    }
}
