/// The ways of signing a token that can be checked (RFC 7518, section 3.1; RFC 8037).
@available(freshet 0.1, *)
package enum TokenAlgorithm: String, Sendable, Hashable, CaseIterable {
    case hs256 = "HS256"
    case hs384 = "HS384"
    case hs512 = "HS512"
    case rs256 = "RS256"
    case ps256 = "PS256"
    case es256 = "ES256"
    case es384 = "ES384"
    case edDSA = "EdDSA"
    /// The same by the name that tells the curve too (RFC 9864).
    case ed25519 = "Ed25519"
}
