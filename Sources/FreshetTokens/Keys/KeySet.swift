import Crypto
import CryptoExtras
import Foundation
import FreshetServer
import TextCodecs

/// A JSON Web Key Set (RFC 7517, section 5), read key by key: one that is not understood takes no other along.
@available(freshet 0.1, *)
struct KeySet: Sendable {
    private(set) var keys: [TokenKey] = []
    /// What was left out, and why, in sentences without their full stop.
    private(set) var skipped: [String] = []

    /// More keys are not looked at.
    static let mostKeys = 1000

    /// - Parameters:
    ///   - takesSecrets: Whether it may hold keys that both sides know (`oct`).
    ///   - mayBeEmpty: Whether a set without a key that can be used is one: its publisher has taken all others back.
    ///     Keys that are not understood count as not there (RFC 7517, section 5), what is no key at all does not.
    /// - Throws: `KeysTrouble` for what is no key set, or, unless it may be empty, one without a key that can be used.
    init(_ bytes: [UInt8], place: String, takesSecrets: Bool, mayBeEmpty: Bool = false) throws(KeysTrouble) {
        guard (try? JSONText.validate(bytes)) != nil, let list = JSONSlice(bytes)["keys"],
            list.raw.first == UInt8(ascii: "[")
        else {
            throw KeysTrouble(place: place, reason: "it is no key set: JSON of the form {\"keys\": […]} (RFC 7517)")
        }
        for (index, element) in list.elements.prefix(Self.mostKeys).enumerated() {
            let name = element["kid"]?.string.map { "The key \($0)" } ?? "Key number \(index + 1)"
            do throws(Refusal) {
                keys.append(try Self.key(element, takesSecrets: takesSecrets))
            } catch {
                skipped.append("\(name) is left out: \(error.reason)")
            }
        }
        // A kind is what each key has (RFC 7517, section 4.1).
        let isOfKeys = list.elements.allSatisfy { $0["kty"]?.string != nil }
        guard !keys.isEmpty || mayBeEmpty && isOfKeys else {
            let reasons = skipped.isEmpty ? "" : ". " + skipped.prefix(5).joined(separator: ". ")
            throw KeysTrouble(place: place, reason: "there is no key in it that can check a token\(reasons)")
        }
    }

    private static func key(_ slice: JSONSlice, takesSecrets: Bool) throws(Refusal) -> TokenKey {
        guard let members = TokenObject(Array(slice.raw)) else {
            throw Refusal("it is no object, or says something twice")
        }
        if members["use"] != nil, members.text("use") != "sig" { throw Refusal("it is not for signatures (use)") }
        if let operations = members["key_ops"], !operations.elements.contains(where: { $0.string == "verify" }) {
            throw Refusal("it is not for checking signatures (key_ops)")
        }
        var only: TokenAlgorithm?
        if members["alg"] != nil {
            guard let algorithm = members.text("alg").flatMap(TokenAlgorithm.init(rawValue:)) else {
                throw Refusal("its algorithm (alg) is none that is taken here")
            }
            only = algorithm
        }
        if members["kid"] != nil, members.text("kid") == nil { throw Refusal("its kid is no text") }
        let key = TokenKey(id: members.text("kid"), try material(members, takesSecrets: takesSecrets), only: only)
        guard !key.algorithms.isEmpty else { throw Refusal("its algorithm (alg) does not fit its kind (kty, crv)") }
        return key
    }

    private static func material(_ members: TokenObject, takesSecrets: Bool) throws(Refusal) -> TokenKey.Material {
        func bytes(_ name: String) throws(Refusal) -> [UInt8] {
            guard let text = members.text(name), let bytes = Base64URL.decode(text.utf8), !bytes.isEmpty else {
                throw Refusal("its \(name) is missing, or not in base64url")
            }
            return bytes
        }
        switch (members.text("kty"), members.text("crv")) {
        case ("oct", _):
            guard takesSecrets else { throw Refusal("a secret does not belong on the web (kty is oct)") }
            let secret = try bytes("k")
            guard secret.count >= TokenKey.leastSecret else {
                throw Refusal("its secret has fewer than \(TokenKey.leastSecret) bytes")
            }
            return .secret(SymmetricKey(data: secret))
        case ("RSA", _):
            let (n, e) = (try bytes("n"), try bytes("e"))
            guard n.count <= 1024, e.count <= 8, let key = try? _RSA.Signing.PublicKey(n: n, e: e) else {
                throw Refusal("it is no RSA key of 2048 to 8192 bits")
            }
            return .rsa(key)
        case ("EC", "P-256"):
            let point = [4] + (try bytes("x")) + (try bytes("y"))
            guard let key = try? P256.Signing.PublicKey(x963Representation: point) else {
                throw Refusal("it is no point of P-256")
            }
            return .p256(key)
        case ("EC", "P-384"):
            let point = [4] + (try bytes("x")) + (try bytes("y"))
            guard let key = try? P384.Signing.PublicKey(x963Representation: point) else {
                throw Refusal("it is no point of P-384")
            }
            return .p384(key)
        case ("OKP", "Ed25519"):
            guard let key = try? Curve25519.Signing.PublicKey(rawRepresentation: try bytes("x")) else {
                throw Refusal("it is no key of Ed25519")
            }
            return .ed25519(key)
        default:
            throw Refusal("its kind is not known here (kty, crv)")
        }
    }
}
