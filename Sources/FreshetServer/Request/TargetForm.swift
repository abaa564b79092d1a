import TextCodecs

/// The forms that the target of a request has (RFC 9112, section 3.2).
@available(freshet 0.1, *)
enum TargetForm: Equatable {
    /// A path, maybe with a query: `/v1/streams?prefix=a`.
    case origin
    /// An http or https URL, as a proxy is sent it: who is asked, and the target in origin form.
    case absolute(authority: String, rest: String)
    /// `*`: the server as a whole.
    case asterisk
    /// `host:port`, for a tunnel.
    case authority
    case malformed

    init(_ target: String) {
        let bytes = target.utf8
        if bytes.first == UInt8(ascii: "/") {
            self = .origin
        } else if bytes.elementsEqual("*".utf8) {
            self = .asterisk
        } else if let (authority, rest) = Self.behindScheme(target) {
            // An authority that is none, or has a user's name before it, names nobody.
            self = Authority(parsing: authority) == nil ? .malformed : .absolute(authority: authority, rest: rest)
        } else {
            self = Authority(parsing: target)?.port == nil ? .malformed : .authority
        }
    }

    /// Authority and origin form of a URL; nil when it is none of http or https.
    private static func behindScheme(_ target: String) -> (authority: String, rest: String)? {
        for scheme in ["http://", "https://"] where target.begins(withBytesIgnoringCaseOf: scheme) {
            let bytes = target.utf8.dropFirst(scheme.utf8.count)
            let end = bytes.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.endIndex
            let rest = bytes[end...]
            let path = String(decoding: rest, as: UTF8.self)
            return (
                String(decoding: bytes[..<end], as: UTF8.self),
                rest.first == UInt8(ascii: "/") ? path : "/" + path
            )
        }
        return nil
    }
}
