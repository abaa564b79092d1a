import Crypto
import CryptoExtras
import Foundation
import TextCodecs

@available(freshet 0.1, *)
extension TokenKey {
    /// The public keys of a PEM file. A line `kid: NAME` before one of them is its name.
    static func pem(file: String) throws(KeysTrouble) -> [TokenKey] {
        try pem(String(decoding: try KeyFile.bytes(file), as: UTF8.self), place: file)
    }

    /// The public keys of a text as such files have it.
    static func pem(_ text: String, place: String) throws(KeysTrouble) -> [TokenKey] {
        var keys: [TokenKey] = []
        var id: String?
        var block: [String]?
        // Lines end in LF or CRLF, which is one Character.
        for line in text.split(whereSeparator: \.isNewline).map({ String($0.trimmingBlanks()) }) {
            if line.hasPrefix("-----BEGIN ") {
                block = [line]
            } else if line.hasPrefix("-----END "), let begun = block {
                guard let key = try pem(begun + [line], id: id, place: place) else {
                    throw KeysTrouble(
                        place: place,
                        reason:
                            "its key number \(keys.count + 1) is no public key that can check a token: those are RSA of at "
                            + "least 2048 bits, EC of P-256 or P-384, and Ed25519"
                    )
                }
                keys.append(key)
                (id, block) = (nil, nil)
            } else if block != nil {
                block?.append(line)
            } else if line.hasPrefix("kid:") {
                id = String(line.dropFirst(4).trimmingBlanks())
            }
        }
        guard !keys.isEmpty else { throw KeysTrouble(place: place, reason: "there is no public key in PEM form in it") }
        return keys
    }

    private static func pem(_ lines: [String], id: String?, place: String) throws(KeysTrouble) -> TokenKey? {
        if lines[0].contains("PRIVATE KEY") {
            throw KeysTrouble(
                place: place,
                reason: "it holds a private key, which the issuer alone should have. Name the public one: "
                    + "`openssl pkey -in FILE -pubout`"
            )
        }
        let text = lines.joined(separator: "\n")
        if let key = try? P256.Signing.PublicKey(pemRepresentation: text) { return TokenKey(id: id, .p256(key)) }
        if let key = try? P384.Signing.PublicKey(pemRepresentation: text) { return TokenKey(id: id, .p384(key)) }
        // What stands before the 32 bytes of a key of Ed25519 (RFC 8410, section 4).
        let beginning: [UInt8] = [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00]
        if let der = Data(base64Encoded: lines.dropFirst().dropLast().joined()), der.count == 44,
            der.starts(with: beginning),
            let key = try? Curve25519.Signing.PublicKey(rawRepresentation: der.dropFirst(beginning.count))
        {
            return TokenKey(id: id, .ed25519(key))
        }
        if let key = try? _RSA.Signing.PublicKey(pemRepresentation: text) { return TokenKey(id: id, .rsa(key)) }
        return nil
    }
}
