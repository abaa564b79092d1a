import Crypto
import Foundation
import FreshetServer
import TextCodecs

/// Makes tokens that are signed with a secret, by HS256.
package struct TokenMaker: Sendable {
    package var issuer: String?
    package var audience: String?
    package var subject: String?
    /// The claim of the rights.
    package var claim: String
    /// Names and patterns, by the names of rights.
    package var rights: [(name: String, patterns: [String])]

    package init(
        issuer: String?,
        audience: String?,
        subject: String?,
        claim: String?,
        rights: [(name: String, patterns: [String])]
    ) {
        self.issuer = issuer
        self.audience = audience
        self.subject = subject
        self.claim = claim ?? IssuerSetting().claim
        self.rights = rights
    }

    /// - Parameters:
    ///   - now: Seconds since 1970.
    ///   - lifetime: Seconds until it expires.
    package func token(secret: [UInt8], now: Int64, lifetime: Int64) -> String {
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
