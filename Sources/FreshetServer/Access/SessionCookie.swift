/// The cookie of a session, which lets a page read: an `EventSource` can set no header, and no secret belongs in a URL.
/// What its value says is a `NarrowedSession`.
@available(freshet 0.1, *)
package enum SessionCookie {
    package static let name = "freshet_session"

    /// More cookies of this name than a browser ever sends are not tried: each costs one HMAC.
    private static let mostTried = 4

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
}
