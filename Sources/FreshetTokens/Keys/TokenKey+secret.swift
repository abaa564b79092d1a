import Crypto
import Foundation

extension TokenKey {
    /// The least length of a secret, in bytes: the digest's of HS256 (RFC 7518, section 3.2).
    static let leastSecret = 32

    /// The bytes of a secret file: all of it but one newline at its end.
    package static func secretBytes(file: String) throws(KeysTrouble) -> [UInt8] {
        var bytes = try KeyFile.bytes(file)
        if bytes.last == UInt8(ascii: "\n") { bytes.removeLast() }
        if String(decoding: bytes, as: UTF8.self).contains("-----BEGIN ") {
            throw KeysTrouble(
                place: file,
                reason:
                    "it holds a key in PEM form, and a secret is what both sides know. Name a public key in jwt-keys"
            )
        }
        guard bytes.count >= leastSecret else {
            throw KeysTrouble(
                place: file,
                reason: "the secret has \(bytes.count) bytes, and \(leastSecret) is the least; make one with "
                    + "`openssl rand -base64 48`"
            )
        }
        return bytes
    }

    static func secret(file: String) throws(KeysTrouble) -> TokenKey {
        TokenKey(id: nil, .secret(SymmetricKey(data: try secretBytes(file: file))))
    }
}

/// A file that keys are read from.
enum KeyFile {
    static func bytes(_ file: String) throws(KeysTrouble) -> [UInt8] {
        do {
            return Array(try Data(contentsOf: URL(fileURLWithPath: file)))
        } catch {
            throw KeysTrouble(place: file, reason: "it cannot be read: \(error.localizedDescription)")
        }
    }
}
