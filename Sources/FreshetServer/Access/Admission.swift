/// A request that was let in, and who sent it. It allows nothing yet: `AccessPolicy.authorise` does.
@available(freshet 0.1, *)
package struct Admission: Sendable, Equatable {
    /// How the caller is known.
    package enum Credential: Sendable, Equatable {
        /// By nothing: the server has no keys and serves everybody who reaches it.
        case none
        case bearer
        /// A signed token of an issuer.
        case token
        /// By the code of the program that the server is a part of.
        case program
        case cookie
        /// By a token of `freshet doctor`, or none where the probe is open: it is good for the probe alone.
        case probe
        /// A CORS preflight carries no credentials, and is answered without looking at any stream.
        case preflight
    }

    package var caller: Caller
    package var credential: Credential
    /// SHA-256 of the key that the credential is, or that it was made with; nil where it rests on no key.
    package var keyDigest: [UInt8]?
    /// By whom the token was signed that the credential is, or that it was made with; nil where it rests on none.
    package var signer: TokenSigner?
    /// The digest of the secret that the cookie is signed with; nil for what is signed with none of `SessionSecrets`.
    package var sessionSecret: [UInt8]?
    /// What a session may be worth at most, whatever its key gives; nil for all of that.
    package var narrowed: [Caller.Grant]?
    /// Until when it holds, in seconds since 1970; nil while the credential is as good as it was.
    package var expires: Int64?

    package init(
        caller: Caller,
        credential: Credential,
        keyDigest: [UInt8]? = nil,
        signer: TokenSigner? = nil,
        expires: Int64? = nil
    ) {
        self.caller = caller
        self.credential = credential
        self.keyDigest = keyDigest
        self.signer = signer
        self.expires = expires
    }

    /// Whom a log names; nil where nobody is known.
    package var name: String? {
        switch credential {
        case .none, .probe, .preflight: nil
        case .bearer, .token, .program, .cookie: caller.name
        }
    }
}
