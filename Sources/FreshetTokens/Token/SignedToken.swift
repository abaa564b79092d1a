import FreshetServer
import TextCodecs

/// A JSON Web Token in the compact form of JWS (RFC 7515, section 3.1; RFC 7519), read, and not believed.
@available(freshet 0.1, *)
struct SignedToken: Sendable {
    /// Longer ones are not looked at.
    static let maximumBytes = 65_536

    let algorithm: TokenAlgorithm
    let keyID: String?
    let claims: TokenObject
    /// What is signed: header and claims as they came.
    let signed: ArraySlice<UInt8>
    let signature: [UInt8]

    /// Whether a text is meant as a token, right or wrong: three parts, the first of which is an object.
    static func hasForm(_ text: String) -> Bool {
        guard text.utf8.count(where: { $0 == UInt8(ascii: ".") }) == 2 else { return false }
        // The first four characters of base64 are the first three bytes.
        return Base64URL.decode(text.utf8.prefix(4))?.first == UInt8(ascii: "{")
    }

    init(_ text: String) throws(TokenTrouble) {
        let bytes = Array(text.utf8)
        guard bytes.count <= Self.maximumBytes else { throw .wrong("It is longer than \(Self.maximumBytes) bytes.") }
        let parts = bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3 else { throw .wrong("It has not three parts.") }
        guard let headerBytes = Base64URL.decode(parts[0]), let header = TokenObject(headerBytes) else {
            throw .wrong("Its header is no JSON object in base64url, or says something twice.")
        }
        guard header["crit"] == nil, header["b64"] == nil, !header.isNested else {
            throw .wrong("Its header has members that ask for more than a signature (crit, b64, or nested ones).")
        }
        guard let name = header.text("alg"), let algorithm = TokenAlgorithm(rawValue: name) else {
            throw .wrong("Its header names no algorithm (alg) that is taken here.")
        }
        if header["kid"] != nil, header.text("kid") == nil { throw .wrong("Its header's kid is no text.") }
        guard let claimBytes = Base64URL.decode(parts[1]), let claims = TokenObject(claimBytes) else {
            throw .wrong("Its claims are no JSON object in base64url, or say something twice.")
        }
        guard let signature = Base64URL.decode(parts[2]), !signature.isEmpty else {
            throw .wrong("Its signature is missing, or not in base64url.")
        }
        self.algorithm = algorithm
        keyID = header.text("kid")
        self.claims = claims
        self.signature = signature
        signed = bytes[..<(parts[2].startIndex - 1)]
    }
}
