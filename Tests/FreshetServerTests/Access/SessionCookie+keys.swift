@testable import FreshetServer

/// Cookies of whole keys, as a browser is given them and sends them back.
extension SessionCookie {
    /// The value of a `Set-Cookie` header for whoever holds this key, or nil if it is no key of the ring.
    static func issue(for bearer: String, ring: KeyRing, now: Int64, lifetime: Int64, secure: Bool) -> String? {
        ring.key(forBearer: bearer)
            .map { field(value(for: $0, expires: now + lifetime), lifetime: lifetime, secure: secure) }
    }

    /// Whose cookie is in this `Cookie` header, or nil if none is valid now.
    static func verify(_ header: String, ring: KeyRing, now: Int64) -> Caller? {
        values(in: header).lazy.compactMap { session(value: $0, ring: ring, now: now) }.first?.key.caller
    }
}
