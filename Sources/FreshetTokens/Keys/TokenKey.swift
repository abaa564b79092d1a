import Crypto
import CryptoExtras
import FreshetServer

/// A key that signatures of tokens are checked with.
@available(freshet 0.1, *)
package struct TokenKey: Sendable {
    enum Material: Sendable {
        case secret(SymmetricKey)
        case rsa(_RSA.Signing.PublicKey)
        case p256(P256.Signing.PublicKey)
        case p384(P384.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
    }

    /// What a token calls it; nil for one that has no name.
    package let id: String?
    /// What it may be used for, of what it is fit for.
    let algorithms: Set<TokenAlgorithm>
    /// Tells it from every other: another name, another use and other bytes are another key.
    let digest: [UInt8]
    private let material: Material

    /// - Parameter algorithm: The only one that it is for; nil for all that it is fit for.
    init(id: String?, _ material: Material, only algorithm: TokenAlgorithm? = nil) {
        self.id = id
        self.material = material
        algorithms = algorithm.map { Self.fitting(material).intersection([$0]) } ?? Self.fitting(material)
        digest = Self.digest(id, algorithms, material)
    }

    private static func digest(_ id: String?, _ algorithms: Set<TokenAlgorithm>, _ material: Material) -> [UInt8] {
        let name = id.map { "\($0.utf8.count):\($0)" } ?? "-"
        let uses = algorithms.map(\.rawValue).sorted().joined(separator: ",")
        var hash = SHA256()
        hash.update(data: Array("freshet-token-key|\(name)|\(uses)|".utf8))
        switch material {
        case .secret(let key): key.withUnsafeBytes { hash.update(bufferPointer: $0) }
        case .rsa(let key): hash.update(data: key.derRepresentation)
        case .p256(let key): hash.update(data: key.rawRepresentation)
        case .p384(let key): hash.update(data: key.rawRepresentation)
        case .ed25519(let key): hash.update(data: key.rawRepresentation)
        }
        return Array(hash.finalize().prefix(16))
    }

    private static func fitting(_ material: Material) -> Set<TokenAlgorithm> {
        switch material {
        case .secret: [.hs256, .hs384, .hs512]
        case .rsa: [.rs256, .ps256]
        case .p256: [.es256]
        case .p384: [.es384]
        case .ed25519: [.edDSA, .ed25519]
        }
    }

    /// Whether a signature is this key's, by the one algorithm.
    func isSignature(_ signature: [UInt8], of signed: ArraySlice<UInt8>, by algorithm: TokenAlgorithm) -> Bool {
        guard algorithms.contains(algorithm) else { return false }
        switch (material, algorithm) {
        case (.secret(let key), .hs256):
            return HMAC<SHA256>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.secret(let key), .hs384):
            return HMAC<SHA384>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.secret(let key), .hs512):
            return HMAC<SHA512>.isValidAuthenticationCode(signature, authenticating: signed, using: key)
        case (.rsa(let key), .rs256):
            return key.isValidSignature(.init(rawRepresentation: signature), for: signed, padding: .insecurePKCS1v1_5)
        case (.rsa(let key), .ps256):
            return key.isValidSignature(.init(rawRepresentation: signature), for: signed, padding: .PSS)
        case (.p256(let key), .es256):
            guard let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: signed)
        case (.p384(let key), .es384):
            guard let signature = try? P384.Signing.ECDSASignature(rawRepresentation: signature) else { return false }
            return key.isValidSignature(signature, for: signed)
        case (.ed25519(let key), .edDSA), (.ed25519(let key), .ed25519):
            return key.isValidSignature(signature, for: signed)
        default:
            return false
        }
    }
}
