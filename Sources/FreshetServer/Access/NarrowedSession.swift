import Crypto
import TextCodecs

/// A session that stands for less than a key, or for a token: what its cookie says.
///
/// The cookie's value is `~.payload.mac`: JSON in base64url, and the base64url of HMAC-SHA256 over both by a secret of
/// `SessionSecrets`. No name of a key begins with `~`. The server keeps nothing for it.
@available(freshet 0.1, *)
struct NarrowedSession: Sendable, Equatable {
    /// What it rests on, and ends with.
    enum Basis: Sendable, Equatable {
        /// A key of the keys file of this name, by a digest of its own.
        case key(digest: [UInt8])
        case token(TokenSigner)
    }

    static let mark = "~"

    var basis: Basis
    /// Who it is, and which rights it has at most.
    var caller: Caller
    /// The second since 1970 at which it ends.
    var expires: Int64

    init(_ basis: Basis, caller: Caller, expires: Int64) {
        self.basis = basis
        self.caller = caller
        self.expires = expires
    }

    /// What tells a key from every other of its name. Not the digest that cookies of the other form are signed with.
    static func digest(of key: KeyRing.Key) -> [UInt8] {
        Array(SHA256.hash(data: Array("freshet-session-key|".utf8) + key.digest).prefix(16))
    }

    func value(_ secrets: SessionSecrets) -> String {
        let payload = Base64.urlText(self.payload)
        return "\(Self.mark).\(payload).\(secrets.code(of: Self.signed(payload)))"
    }

    /// A session as its cookie says it, and the digest of the secret that signed it; nil for what none of the secrets
    /// signed. Whether it has ended is not looked at.
    static func read(
        _ value: some Collection<UInt8>,
        _ secrets: SessionSecrets
    ) -> (session: NarrowedSession, secret: [UInt8])? {
        let parts = value.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { String(decoding: $0, as: UTF8.self) }
        guard parts.count == 3, parts[0] == Self.mark,
            let secret = secrets.digest(behind: parts[2], of: Self.signed(parts[1])),
            let payload = Base64URL.decode(parts[1].utf8),
            let session = NarrowedSession(payload: JSONSlice(payload))
        else { return nil }
        return (session, secret)
    }

    private static func signed(_ payload: String) -> String { "\(SessionCookie.name)|\(mark)|\(payload)" }

    private var payload: [UInt8] {
        JSONWriter.object { writer in
            writer.member("n", caller.name)
            writer.member("e", Int(expires))
            switch basis {
            case .key(let digest): writer.member("k", Base64.urlText(digest))
            case .token(let signer):
                writer.member("t", Base64.urlText(signer.key))
                if let issuer = signer.issuer { writer.member("i", issuer) }
            }
            writer.member(
                "r",
                array: { list in
                    for grant in caller.grants {
                        list.element(object: { object in
                            object.member("r", Int(grant.rights.rawValue))
                            object.member(
                                "on",
                                array: { on in for prefix in grant.prefixes { on.element(prefix.written) } }
                            )
                        })
                    }
                }
            )
        }
    }

    private init?(payload: JSONSlice) {
        guard let name = payload["n"]?.string, let expires = payload["e"]?.integer else { return nil }
        if let digest = payload["k"]?.string.flatMap({ Base64URL.decode($0.utf8) }) {
            basis = .key(digest: digest)
        } else if let key = payload["t"]?.string.flatMap({ Base64URL.decode($0.utf8) }) {
            basis = .token(TokenSigner(issuer: payload["i"]?.string, key: key))
        } else {
            return nil
        }
        let grants = (payload["r"]?.elements ?? []).map { grant in
            Caller.Grant(
                Rights(rawValue: UInt8(clamping: grant["r"]?.integer ?? 0)),
                (grant["on"]?.elements ?? []).compactMap { $0.string.flatMap(StreamPrefix.init(written:)) }
            )
        }
        caller = Caller(name: name, grants: grants)
        self.expires = Int64(expires)
    }
}

@available(freshet 0.1, *)
extension StreamPrefix {
    /// With a sign for what it is: a name may end in `*`.
    fileprivate var written: String { (isWhole ? "=" : "^") + text }

    fileprivate init?(written: String) {
        let text = String(decoding: written.utf8.dropFirst(), as: UTF8.self)
        switch written.utf8.first {
        case UInt8(ascii: "="): self = .named(text)
        case UInt8(ascii: "^"): self = .beginning(with: text)
        default: return nil
        }
    }
}
