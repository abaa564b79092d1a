import Crypto
import ProbeProtocol
import TextCodecs

/// The cookie for a whole key, which lets a page read: an `EventSource` can set no header, and no secret belongs in a URL.
///
/// Its value is `name.expiry.mac`: the key's name, the second since 1970 at which it ends, and the base64url of
/// HMAC-SHA256 over both, keyed with the SHA-256 of the bearer key. The server keeps nothing for it, so it survives a
/// restart and works on every node with the same keys file; a key that is taken out of the file takes its cookies
/// along.
///
/// Who can read the keys file can make cookies, also where it holds only digests: keep the file to the server's user.
@available(freshet 0.1, *)
package enum SessionCookie {
    package static let name = "freshet_session"

    /// More cookies of this name than a browser ever sends are not tried: each costs one HMAC.
    private static let mostTried = 4

    /// The value of the cookie of a key.
    /// - Parameter expires: In seconds since 1970.
    static func value(for key: KeyRing.Key, expires: Int64) -> String {
        let expiry = String(expires)
        return "\(key.caller.name).\(expiry).\(mac(of: key, expiry: expiry))"
    }

    /// The value of a `Set-Cookie` header.
    /// - Parameters:
    ///   - lifetime: Seconds the cookie is good for.
    ///   - secure: Whether the browser may send it over https only.
    ///   - reach: From whose pages the browser sends it. One that is for another site is kept apart by the site around
    ///     it (CHIPS), so that no third one's page sends it.
    static func field(_ value: String, lifetime: Int64, secure: Bool, reach: SessionReach = .sameSite) -> String {
        let others = reach == .partitioned ? "None; Secure; Partitioned" : secure ? "Strict; Secure" : "Strict"
        return "\(name)=\(value); Path=/; Max-Age=\(lifetime); HttpOnly; SameSite=\(others)"
    }

    /// The values of the cookies of this name: all that a header has, since a page on a sibling domain can put a
    /// worthless one in front of the real one.
    static func values(in header: String) -> [Substring.UTF8View] {
        let wanted = Array("\(name)=".utf8)
        return header.utf8.split(separator: UInt8(ascii: ";"))
            .map { $0.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") } }
            .filter { $0.starts(with: wanted) }
            .prefix(mostTried)
            .map { $0.dropFirst(wanted.count) }
    }

    /// The key it was made with, and the second since 1970 at which it ends; nil if it is not valid now.
    static func session(
        value: Substring.UTF8View,
        ring: KeyRing,
        now: Int64
    ) -> (key: KeyRing.Key, expires: Int64)? {
        let parts = value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3, let key = ring.keys.first(where: { Array($0.caller.name.utf8) == Array(parts[0].utf8) })
        else {
            return nil
        }
        // Digests of both texts are compared, in constant time. It is the text that must be equal: the last character
        // of the base64 carries two bits that decode to nothing.
        guard
            SHA256.hash(data: Array(parts[2].utf8))
                == SHA256.hash(data: Array(mac(of: key, expiry: parts[1]).utf8)),
            let expiry = Int64(parts[1]), now < expiry
        else {
            return nil
        }
        return (key, expiry)
    }

    private static func mac(of key: KeyRing.Key, expiry: String) -> String {
        let message = Array("\(name)|\(key.caller.name)|\(expiry)".utf8)
        let code = HMAC<SHA256>.authenticationCode(for: message, using: SymmetricKey(data: key.digest))
        return Base64.urlText(code)
    }
}
