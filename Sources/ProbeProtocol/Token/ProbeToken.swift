import Crypto
import TextCodecs

/// What opens the probe of a server that has keys: `expiry.mac`, the second since 1970 at which it ends, and the
/// base64url of HMAC-SHA256 over it, keyed with the SHA-256 of a bearer key.
///
/// Whoever has a key can make one, without asking the server; it gives no right but that of probing.
@available(freshet 0.1, *)
package enum ProbeToken {
    /// Seconds that a token is good for, unless told otherwise.
    package static let usualLifetime: Int64 = 900
    /// A token that claims to last longer is refused.
    package static let longestLifetime: Int64 = 3600

    /// - Parameters:
    ///   - keyDigest: SHA-256 of a bearer key.
    ///   - now: Seconds since 1970.
    package static func issue(keyDigest: [UInt8], now: Int64, lifetime: Int64 = usualLifetime) -> String {
        let expiry = "\(now + lifetime)"
        return "\(expiry).\(mac(keyDigest, expiry))"
    }

    /// Signs with a bearer key itself.
    package static func issue(bearer: String, now: Int64, lifetime: Int64 = usualLifetime) -> String {
        issue(keyDigest: Array(SHA256.hash(data: Array(bearer.utf8))), now: now, lifetime: lifetime)
    }

    /// Whether one of these keys signed it, and it is good now.
    package static func verify(_ token: String, keyDigests: [[UInt8]], now: Int64) -> Bool {
        let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].allSatisfy({ UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }),
            let expiry = Int64(String(decoding: parts[0], as: UTF8.self)), now < expiry,
            expiry - now <= longestLifetime
        else {
            return false
        }
        let text = String(decoding: parts[0], as: UTF8.self)
        let given = SHA256.hash(data: Array(parts[1]))
        var found = false
        // Digests are compared, in constant time, and all keys are tried: how long it takes tells nothing.
        for digest in keyDigests where SHA256.hash(data: Array(mac(digest, text).utf8)) == given { found = true }
        return found
    }

    private static func mac(_ keyDigest: [UInt8], _ expiry: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(
            for: Array("freshet_probe|\(expiry)".utf8),
            using: SymmetricKey(data: keyDigest)
        )
        return Base64.urlText(code)
    }
}
