import Foundation

@available(freshet 0.1, *)
extension ServerAddress {
    /// Where the probe of a server is looked for, from any URL of it: that of the server, of a path below which a proxy
    /// has it, of one of its streams, or of the probe.
    ///
    /// - Returns: Nil for what is no http or https URL, or has a port that there is not.
    package init?(url text: String) {
        guard let url = Self.parsed(text) else { return nil }
        var path = url.path(percentEncoded: true)
        for known in ["/v1/stream/", "/v1/streams", "/v1/probe"] {
            if let range = path.range(of: known) {
                path = String(path[..<range.lowerBound])
                break
            }
        }
        while path.utf8.last == UInt8(ascii: "/") { path.removeLast() }
        self.init(url, path: path)
    }

    /// Exactly this URL, its query included.
    ///
    /// - Returns: Nil for what is no http or https URL, or has a port that there is not.
    package init?(resource text: String) {
        guard let url = Self.parsed(text) else { return nil }
        let path = url.path(percentEncoded: true)
        self.init(url, path: (path.isEmpty ? "/" : path) + (url.query(percentEncoded: true).map { "?\($0)" } ?? ""))
    }

    private static func parsed(_ text: String) -> URL? {
        guard let url = URL(string: text, encodingInvalidCharacters: false), let scheme = url.scheme?.lowercased(),
            scheme == "http" || scheme == "https", url.host()?.isEmpty == false, hasPossiblePort(url)
        else {
            return nil
        }
        return url
    }

    /// False for 0, and above 65535, where SwiftNIO would end the process.
    private static func hasPossiblePort(_ url: URL) -> Bool {
        guard let parts = URLComponents(url: url, resolvingAgainstBaseURL: true), let text = parts.string,
            let range = parts.rangeOfPort, !range.isEmpty
        else { return true }
        return (UInt16(text[range]) ?? 0) > 0
    }

    private init(_ url: URL, path: String) {
        let isSecure = url.scheme?.lowercased() == "https"
        let host = url.host() ?? ""
        self.init(
            isSecure: isSecure,
            host: host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host,
            port: url.port ?? (isSecure ? 443 : 80),
            basePath: path
        )
    }
}
