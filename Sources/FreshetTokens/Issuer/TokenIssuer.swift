public import Freshet

/// Somebody who signs tokens, as a server is told of it in code: the name that the tokens bear, whom they are for, the
/// keys that they are checked by, and what they give.
///
/// ```swift
/// var login = TokenIssuer(
///     "https://login.example",
///     audience: "freshet",
///     keys: [.jwks(url: "https://login.example/.well-known/jwks.json")]
/// )
/// login.templates = [.init(.read, on: "users/{sub}/")]
/// let server = try EmbeddedServer(tokens: .issuers([login]))
/// ```
///
/// A token is checked by the keys of the issuer that its `iss` names, and by no others; by one of its algorithms; and by the
/// one key that its `kid` names or, without a `kid`, by the only one that fits. What is wrong with an issuer is told by
/// the initialiser of the server that gets it, as `SetupError`.
@available(freshet 0.1, *)
public struct TokenIssuer: Sendable {
    /// The `iss` of its tokens, byte for byte; nil for tokens of any other name, and of none.
    public let name: String?
    /// What the `aud` of its tokens must be, or hold; nil where that is not asked.
    public let audience: String?
    /// What its tokens are checked by.
    public var keys: [Keys]
    /// What its tokens may be signed with; empty for all that fit their key.
    public var algorithms: Set<Algorithm> = []
    /// The claim that holds the rights, such as `{"read": ["answers/42"]}`; `freshet` unless something else is set. A name
    /// there is that stream alone, unless it ends in `/` or `*`.
    public var claim = TokenIssuer.usualClaim
    /// Rights of tokens that do not have that claim.
    public var templates: [Template] = []

    /// An issuer by its name.
    ///
    /// - Parameters:
    ///   - name: the `iss` of its tokens.
    ///   - audience: what their `aud` must be, or hold: an issuer signs tokens for others too.
    ///   - keys: where its keys are; at least one, and at most one URL.
    public init(_ name: String, audience: String, keys: [Keys]) {
        self.name = name
        self.audience = audience
        self.keys = keys
    }

    /// An issuer of tokens with any `iss` that no other issuer has, or none. A server has one at most.
    ///
    /// - Parameters:
    ///   - audience: what their `aud` must be, or hold; nil where that is not asked.
    ///   - keys: where its keys are; at least one, and at most one URL.
    public init(audience: String? = nil, keys: [Keys]) {
        self.name = nil
        self.audience = audience
        self.keys = keys
    }
}

@available(freshet 0.1, *)
extension TokenIssuer {
    /// Keys, or where they are.
    ///
    /// A secret checks HS256, HS384 and HS512, RSA of 2048 bits or more RS256 and PS256, EC of the curve P-256 ES256 and of
    /// P-384 ES384, Ed25519 EdDSA; a JWK with an `alg` that alone.
    public struct Keys: Sendable {
        let source: TokenKeySource

        /// A secret that both sides know.
        ///
        /// - Parameters:
        ///   - bytes: at least 32, all of which count.
        ///   - id: the `kid` by which tokens name it. Where an issuer has several secrets, such as an old and a new one, each
        ///     needs one.
        public static func secret(_ bytes: some Sequence<UInt8>, id: String? = nil) -> Keys {
            Keys(source: .secret(Array(bytes), id: id))
        }

        /// The path of a file with a secret of at least 32 bytes. One newline at its end is not part of it.
        public static func secret(file: String) -> Keys { Keys(source: .secretFile(file)) }

        /// Public keys in PEM form, one after the other. A line `kid: NAME` before one of them is its name.
        public static func pem(_ text: String) -> Keys { Keys(source: .pem(text)) }

        /// The path of a file with public keys in PEM form.
        public static func pem(file: String) -> Keys { Keys(source: .pemFile(file)) }

        /// A JWKS (RFC 7517), as JSON. Keys that are not understood, or have another `use` than `sig`, are left out and
        /// named in the log; of more than 1000, the first count.
        public static func jwks(_ json: some Sequence<UInt8>) -> Keys { Keys(source: .keySet(Array(json))) }

        /// The path of a file with a JWKS.
        public static func jwks(file: String) -> Keys { Keys(source: .keySetFile(file)) }

        /// The `https://` or `http://` URL of a JWKS of at most 1 MiB.
        ///
        /// It is fetched when the server starts; in the background when it is as old as `Cache-Control: max-age` says (5
        /// minutes where it says nothing, a minute at least, a day at most); and at most once in 30 s for a token that names
        /// a key which is not among them, whose request waits 5 s at most. An issuer that does not answer keeps the keys that
        /// it had; while none was ever fetched its tokens get 503.
        public static func jwks(url: String) -> Keys { Keys(source: .url(url)) }
    }

    /// Ways to sign a token (RFC 7518, section 3.1; RFC 8037; RFC 9864).
    public enum Algorithm: String, Sendable, Hashable, CaseIterable {
        /// HMAC with SHA-256.
        case hs256 = "HS256"
        /// HMAC with SHA-384.
        case hs384 = "HS384"
        /// HMAC with SHA-512.
        case hs512 = "HS512"
        /// RSA with PKCS #1 v1.5 and SHA-256.
        case rs256 = "RS256"
        /// RSA with PSS and SHA-256.
        case ps256 = "PS256"
        /// ECDSA of the curve P-256.
        case es256 = "ES256"
        /// ECDSA of the curve P-384.
        case es384 = "ES384"
        /// Ed25519, without the curve in its name.
        case edDSA = "EdDSA"
        /// Ed25519 by its name.
        case ed25519 = "Ed25519"
    }

    /// A right that claims of a token give: for tokens that cannot carry rights.
    public struct Template: Sendable, Hashable {
        /// What is allowed.
        public var rights: StreamRights
        /// The name, in which `{sub}` is the text of the token's claim `sub`, and a whole segment, with `/` and `%`
        /// percent-encoded. It is that stream alone, unless it ends in `/` or `*`.
        public var pattern: String

        /// Rights on what a pattern names, such as `users/{sub}/`.
        ///
        /// A token whose claim is missing, empty, no string, `.` or `..`, or has control characters, gets none of them.
        public init(_ rights: StreamRights, on pattern: String) {
            self.rights = rights
            self.pattern = pattern
        }
    }
}
