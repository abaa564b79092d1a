/// The origin of a page: scheme, host and port (RFC 6454), in one spelling for each meaning.
@available(freshet 0.1, *)
package struct WebOrigin: Sendable, Hashable {
    package let scheme: String
    package let host: String
    /// Nil for the scheme's default port.
    package let port: Int?

    /// Nil for `null`, a list, and whatever is not `scheme://host[:port]` with nothing after it.
    package init?(parsing text: String) {
        let separator = "://".utf8
        guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text.utf8[colon...].starts(with: separator)
        else {
            return nil
        }
        let scheme = text.utf8[..<colon]
        let letter = { (byte: UInt8) in UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 }
        guard let first = scheme.first, letter(first),
            scheme.allSatisfy({
                letter($0) || UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || [43, 45, 46].contains($0)
            }),
            let authority = Authority(
                parsing: String(decoding: text.utf8[colon...].dropFirst(separator.count), as: UTF8.self)
            )
        else {
            return nil
        }
        self.scheme = String(decoding: scheme, as: UTF8.self).lowercased()
        self.host = authority.host
        self.port = authority.port == Self.defaultPort(self.scheme) ? nil : authority.port
    }

    /// Whether a server that was asked for under this `Host` is this origin. In clear text the scheme may be either,
    /// since whoever ends TLS in front of the server does not say so.
    ///
    /// - Parameter isSecure: The server itself ended TLS: pages of `http://` are somebody else's, who may be anybody on
    ///   the way.
    package func isOwn(host: String, isSecure: Bool = false) -> Bool {
        guard !isSecure || scheme == "https", let usual = Self.defaultPort(scheme), let asked = Authority(parsing: host)
        else {
            return false
        }
        return asked.host == self.host && (asked.port ?? usual) == (port ?? usual)
    }

    private static func defaultPort(_ scheme: String) -> Int? {
        switch scheme {
        case "http": 80
        case "https": 443
        default: nil
        }
    }
}

@available(freshet 0.1, *)
extension WebOrigin: CustomStringConvertible {
    package var description: String {
        "\(scheme)://\(host)\(port.map { ":\($0)" } ?? "")"
    }
}
