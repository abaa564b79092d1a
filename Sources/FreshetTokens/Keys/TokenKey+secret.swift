import Crypto
import Foundation

@available(freshet 0.1, *)
extension TokenKey {
    /// The least length of a secret, in bytes: the digest's of HS256 (RFC 7518, section 3.2).
    static let leastSecret = 32

    /// The bytes of a secret file: all of it but one newline at its end.
    static func secretBytes(file: String) throws(KeysTrouble) -> [UInt8] {
        var bytes = try KeyFile.bytes(file)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        try checkSecret(bytes, place: file)
        return bytes
    }

    /// - Throws: `KeysTrouble` for what is no secret. It does not show it.
    static func checkSecret(_ bytes: [UInt8], place: String) throws(KeysTrouble) {
        if String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") {
            throw KeysTrouble(
                place: place,
                reason: "it holds a key in PEM form, and a secret is what both sides know. Name a public key in "
                    + "jwt-keys, or in code as pem"
            )
        }
        guard bytes.count >= leastSecret else {
            throw KeysTrouble(
                place: place,
                reason: "the secret has \(bytes.count) bytes, and \(leastSecret) is the least; make one with "
                    + "`openssl rand -base64 48`"
            )
        }
    }

    static func secret(file: String) throws(KeysTrouble) -> TokenKey {
        TokenKey(id: nil, .secret(SymmetricKey(data: try secretBytes(file: file))))
    }

    static func secret(_ bytes: [UInt8], id: String?, place: String) throws(KeysTrouble) -> TokenKey {
        try checkSecret(bytes, place: place)
        return TokenKey(id: id, .secret(SymmetricKey(data: bytes)))
    }
}

/// A file that keys are read from.
@available(freshet 0.1, *)
enum KeyFile {
    static func bytes(_ file: String) throws(KeysTrouble) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw KeysTrouble(place: file, reason: "it cannot be read: \(error.localizedDescription)")
        }
    }
}
