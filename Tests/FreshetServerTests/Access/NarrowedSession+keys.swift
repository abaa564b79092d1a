@testable import FreshetServer

/// Sessions of keys, as a browser is given them and sends them back.
extension NarrowedSession {
    /// The `Cookie` header of whoever holds this key, or nil if it is no key of the ring. It is for reading, unless other
    /// rights were asked for.
    static func cookie(
        for bearer: String,
        of ring: KeyRing,
        _ rights: Rights = .read,
        expires: Int64,
        _ secrets: SessionSecrets = .ofThisProcess
    ) -> String? {
        ring.key(forBearer: bearer)
            .map { key in
                let caller = Caller(name: key.caller.name, grants: [Caller.Grant(rights, [.everything])])
                let session = NarrowedSession(.key(digest: digest(of: key)), caller: caller, expires: expires)
                return "\(SessionCookie.name)=\(session.value(secrets))"
            }
    }
}
