import Crypto
public import Freshet
import FreshetServer
import StreamCore
import TextCodecs

/// Makes tokens that are signed with a secret, by HS256, as `freshet token` does.
///
/// ```swift
/// let maker = try TokenMaker(secretFile: "secret", issuer: "app", audience: "freshet")
/// let token = try maker.token(for: "u42", [.init(.read, on: ["answers/42"])], lifetime: .seconds(600))
/// ```
///
/// A server takes them that has an issuer of this name with the same secret: ``TokenIssuer`` in code,
/// `freshet serve --jwt-secret-file secret --jwt-issuer app --jwt-audience freshet`. A token belongs into the field
/// `Authorization`, never into a URL.
@available(freshet 0.1, *)
public struct TokenMaker: Sendable {
    /// Rights that a token gives on some streams.
    public struct Grant: Sendable, Hashable {
        /// What is allowed.
        public var rights: StreamRights
        /// The streams as they are told in a token.
        let places: [Place]

        /// Rights on the streams of these names, and on no others.
        public init(_ rights: StreamRights, on names: [String]) {
            self.rights = rights
            places = names.map { .named($0) }
        }

        /// Rights on the streams whose names begin with one of these texts, such as `users/42/`: an empty text is every stream.
        public init(_ rights: StreamRights, onNamesBeginningWith beginnings: [String]) {
            self.rights = rights
            places = beginnings.map { .beginning($0) }
        }
    }

    enum Place: Sendable, Hashable {
        case named(String)
        case beginning(String)
    }

    /// Names and patterns, by the names of rights, as a token has them.
    package typealias RightsByName = [(name: String, patterns: [String])]

    /// The longest lifetime of a token, in seconds.
    package static let mostSeconds: Int64 = 3650 * 86_400

    private let secret: [UInt8]
    private let issuer: String?
    private let audience: String?
    private let claim: String

    /// A maker that signs with a secret.
    ///
    /// - Parameters:
    ///   - secret: at least 32 bytes, all of which count.
    ///   - issuer: the `iss` of its tokens; nil for none.
    ///   - audience: their `aud`; nil for none.
    ///   - claim: the claim that holds the rights.
    /// - Throws: `SetupError` for a secret that is shorter, or is a key in PEM form.
    public init(
        secret: some Sequence<UInt8>,
        issuer: String? = nil,
        audience: String? = nil,
        claim: String = "freshet"
    ) throws(SetupError) {
        let bytes = Array(secret)
        do throws(KeysTrouble) {
            try TokenKey.checkSecret(bytes, place: "The secret")
        } catch {
            throw SetupError(["\(error)"])
        }
        self.init(checked: bytes, issuer, audience, claim)
    }

    /// A maker that signs with the secret of a file, of which one newline at the end is not part.
    ///
    /// - Parameters:
    ///   - secretFile: the path of a file of at least 32 bytes. It is read now.
    ///   - issuer: the `iss` of its tokens; nil for none.
    ///   - audience: their `aud`; nil for none.
    ///   - claim: the claim that holds the rights.
    /// - Throws: `SetupError` for a file that cannot be read, and for one that holds no such secret.
    public init(
        secretFile: String,
        issuer: String? = nil,
        audience: String? = nil,
        claim: String = "freshet"
    ) throws(SetupError) {
        let bytes: [UInt8]
        do throws(KeysTrouble) {
            bytes = try TokenKey.secretBytes(file: secretFile)
        } catch {
            throw SetupError(["\(error)"])
        }
        self.init(checked: bytes, issuer, audience, claim)
    }

    private init(checked secret: [UInt8], _ issuer: String?, _ audience: String?, _ claim: String) {
        self.secret = secret
        self.issuer = issuer
        self.audience = audience
        self.claim = claim
    }

    /// A token that is valid from now on.
    ///
    /// - Parameters:
    ///   - subject: whom it is for (`sub`), as logs and limits name them; nil for none.
    ///   - grants: what it gives; at least one right on one stream.
    ///   - lifetime: until it expires (`exp`): whole seconds, from 1 to ten years.
    /// - Throws: `SetupError` for what is no name of a stream, for one with a `*`, which a token would take for a beginning, for
    ///   grants of nothing, and for another lifetime.
    public func token(for subject: String?, _ grants: [Grant], lifetime: Duration) throws(SetupError) -> String {
        let seconds = lifetime.components.seconds
        guard 1...Self.mostSeconds ~= seconds, lifetime == .seconds(seconds) else {
            throw SetupError(["A token's lifetime is \(lifetime). It is whole seconds, from 1 to \(Self.mostSeconds)."])
        }
        let now = Int64(SystemTime().wallMilliseconds() / 1000)
        return token(for: subject, try Self.rights(grants), now: now, lifetime: seconds)
    }

    /// - Parameters:
    ///   - rights: names and patterns that were checked.
    ///   - now: seconds since 1970.
    ///   - lifetime: seconds until it expires.
    package func token(for subject: String?, _ rights: RightsByName, now: Int64, lifetime: Int64) -> String {
        let header = JSONWriter.object {
            $0.member("alg", TokenAlgorithm.hs256.rawValue)
            $0.member("typ", "JWT")
        }
        let claims = JSONWriter.object { claims in
            if let issuer { claims.member("iss", issuer) }
            if let audience { claims.member("aud", audience) }
            if let subject { claims.member("sub", subject) }
            claims.member("iat", Int(now))
            claims.member("exp", Int(now + lifetime))
            claims.member(
                claim,
                object: { object in
                    for right in rights {
                        object.member(
                            right.name,
                            array: { list in for pattern in right.patterns { list.element(pattern) } }
                        )
                    }
                }
            )
        }
        return Self.signed(header: header, claims: claims, secret: secret)
    }

    /// Any header and claims, signed by HS256 whatever the header says.
    static func signed(header: [UInt8], claims: [UInt8], secret: [UInt8]) -> String {
        let signed = "\(Base64.urlText(header)).\(Base64.urlText(claims))"
        let code = HMAC<SHA256>.authenticationCode(for: Array(signed.utf8), using: SymmetricKey(data: secret))
        return "\(signed).\(Base64.urlText(code))"
    }
}
